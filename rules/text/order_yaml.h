#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/order.h"
#include "rules/text/yaml_fields.h"

namespace sluice {

/// The fields of an order but its targets, from YAML, onto an Order: of `defaults` first, then of the order itself.
class OrderFields {
 public:
  OrderFields(std::vector<TextError>& errors, Order& order) : yaml_(errors), errors_(errors), order_(order) {}

  /// False where `key` is no field of an order. A field that is given but wrong is remembered in `faulty`.
  bool read(std::string_view key, const YamlNode& value);

  std::set<std::string, std::less<>> faulty;

 private:
  struct Slot {
    std::string_view key;
    std::string* to;
  };

  bool field(std::string_view key, const YamlNode& value);
  bool time(const YamlNode& node, UnixSeconds& out);
  bool date(const YamlNode& node, std::string& out);
  bool map_of(const YamlNode& node, std::initializer_list<Slot> slots);
  bool methods(const YamlNode& node);
  bool basis(const YamlNode& node);
  bool reason(const YamlNode& node);
  bool attribution(const YamlNode& node);
  bool necessity(const YamlNode& node);
  bool publication(const YamlNode& node);
  bool overrides(const YamlNode& node);

  template <class T>
  bool choice(const YamlNode& node, std::string_view a, std::string_view b, T& out, T if_a, T if_b) {
    if (node.text != a && node.text != b) yaml_.fail(node, "expected " + std::string(a) + " or " + std::string(b));
    out = node.text == b ? if_b : if_a;
    return true;
  }

  YamlFields yaml_;
  std::vector<TextError>& errors_;
  Order& order_;
};

}  // namespace sluice
