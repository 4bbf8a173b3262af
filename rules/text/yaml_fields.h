#pragma once

#include <charconv>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "rules/text/yaml_tree.h"

namespace sluice {

/// Reads values out of a YamlNode and keeps every error: a reader goes on after one.
class YamlFields {
 public:
  explicit YamlFields(std::vector<TextError>& errors) : errors_(&errors) {}

  void fail(const YamlNode& at, std::string what, std::string code = {}) {
    errors_->push_back({at.line, at.column, std::move(code), std::move(what)});
  }

  /// `on_field(key node, value)` returns false where it does not know the key.
  template <class OnField>
  void map(const YamlNode& node, OnField&& on_field) {
    if (node.kind != YamlNode::Kind::Map) return fail(node, "expected a map");
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (!on_field(node.keys[i].text, node.items[i]))
        fail(node.keys[i], "unknown field \"" + node.keys[i].text + "\"");
    }
  }
  template <class OnItem>
  void sequence(const YamlNode& node, OnItem&& on_item) {
    if (node.kind != YamlNode::Kind::Sequence) return fail(node, "expected a list");
    for (const YamlNode& item : node.items) on_item(item);
  }

  bool text(const YamlNode& node, std::string& out) {
    if (node.kind != YamlNode::Kind::Scalar || node.text.empty()) return fail(node, "expected text"), false;
    out = node.text;
    return true;
  }
  bool boolean(const YamlNode& node, bool& out) {
    if (node.text != "true" && node.text != "false") return fail(node, "expected true or false"), false;
    out = node.text == "true";
    return true;
  }
  template <class Int>
  bool number(const YamlNode& node, Int& out, std::uint64_t max) {
    std::uint64_t value = 0;
    const char* end = node.text.data() + node.text.size();
    const auto read = std::from_chars(node.text.data(), end, value);
    if (node.text.empty() || read.ec != std::errc{} || read.ptr != end || value > max) {
      return fail(node, "expected a whole number from 0 to " + std::to_string(max)), false;
    }
    out = static_cast<Int>(value);
    return true;
  }

 private:
  std::vector<TextError>* errors_;
};

}  // namespace sluice
