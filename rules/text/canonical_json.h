#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dataplane/base/result.h"

namespace sluice {

/// A JSON document in memory, as log entries are made of: numbers are integers within ±(2^53 - 1) (I-JSON, RFC 7493
/// 2.2), no member stands twice.
struct JsonValue {
  /// Members in the order of RFC 8785 3.2.3: by their UTF-16 code units.
  struct MemberOrder {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept;
  };
  using Array = std::vector<JsonValue>;
  using Object = std::map<std::string, JsonValue, MemberOrder>;
  using Variant = std::variant<std::nullptr_t, bool, std::int64_t, std::string, Array, Object>;

  JsonValue() = default;
  JsonValue(bool yes) : value(yes) {}
  JsonValue(std::int64_t number) : value(number) {}
  JsonValue(std::uint64_t number) : value(static_cast<std::int64_t>(number)) {}
  JsonValue(std::string text) : value(std::move(text)) {}
  JsonValue(std::string_view text) : value(std::string(text)) {}
  JsonValue(const char* text) : value(std::string(text)) {}
  JsonValue(Array items) : value(std::move(items)) {}
  JsonValue(Object members) : value(std::move(members)) {}

  /// The member of an object; nullptr where there is none, or this is no object.
  [[nodiscard]] const JsonValue* find(std::string_view key) const noexcept;
  /// That member as text; empty where it is none.
  [[nodiscard]] std::string_view text(std::string_view key) const noexcept;
  /// That member as a number that is not negative; 0 where it is none.
  [[nodiscard]] std::uint64_t number(std::string_view key) const noexcept;
  [[nodiscard]] const Array* items(std::string_view key) const noexcept;

  friend bool operator==(const JsonValue&, const JsonValue&) = default;

  Variant value;
};

/// The one form that equal documents share (RFC 8785, JSON Canonicalization Scheme).
[[nodiscard]] std::string canonical_json(const JsonValue& value);

/// Reads one document, strictly; the error is one line for people.
[[nodiscard]] Result<JsonValue, std::string> read_json(std::string_view text);

}  // namespace sluice
