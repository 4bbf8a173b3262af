#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/text/text_error.h"

namespace sluice {

/// One JSON document being read strictly: the first thing wrong is kept with its place, and everything after it does
/// nothing. simdjson's lazy (ondemand) reader checks only what is visited, so every member is visited: duplicate and
/// unknown members are errors.
class JsonDocument {
 public:
  using Value = simdjson::ondemand::value;
  using Object = simdjson::ondemand::object;

  JsonDocument() = default;
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  /// Reads `text`, whose first line is line `first_line` of the file, as one object. `on_field(key, value)` reads the
  /// value and returns true, or returns false where it does not know the key.
  template <class OnField>
  bool read(std::string_view text, std::uint32_t first_line, OnField&& on_field) {
    if (!start(text, first_line)) return false;
    Object object;
    if (check(document_.get_object().get(object), nullptr)) each_field(object, on_field);
    if (ok()) expect_end();
    return ok();
  }

  template <class OnField>
  void read_object(Value& value, OnField&& on_field) {
    Object object;
    const char* at = place(value);
    if (check(value.get_object().get(object), at, "expected an object")) each_field(object, on_field);
  }
  /// `on_item(value)` for each item.
  template <class OnItem>
  void read_array(Value& value, OnItem&& on_item) {
    simdjson::ondemand::array array;
    const char* at = place(value);
    if (!check(value.get_array().get(array), at, "expected an array")) return;
    for (auto item : array) {
      Value inner;
      if (!check(std::move(item).get(inner), nullptr)) return;
      on_item(inner);
      if (!ok()) return;
    }
  }
  void read_string(Value& value, std::string& out);
  void read_u64(Value& value, std::uint64_t& out);

  /// The object's opening brace, for what is missing inside it.
  void fail_at_start(std::string what) { fail_at(text_.data(), std::move(what)); }
  void fail_at(const char* at, std::string what);
  /// Where a value begins; ask before reading it.
  [[nodiscard]] static const char* place(Value& value) noexcept { return value.raw_json_token().data(); }

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  [[nodiscard]] const TextError& error() const { return *error_; }

 private:
  bool start(std::string_view text, std::uint32_t first_line);
  bool check(simdjson::error_code code, const char* at, const char* expected = nullptr);
  const char* here();
  void expect_end();

  template <class OnField>
  void each_field(Object& object, OnField&& on_field) {
    std::vector<std::string> seen;
    for (auto item : object) {
      simdjson::ondemand::field field;
      if (!check(std::move(item).get(field), nullptr)) return;
      const char* at = field.key().raw() - 1;
      std::string_view unescaped;
      if (!check(field.unescaped_key().get(unescaped), at)) return;
      const std::string key(unescaped);
      for (const std::string& other : seen) {
        if (other == key) return fail_at(at, "duplicate field \"" + key + "\"");
      }
      if (seen.size() == kMaxFields) return fail_at(at, "too many fields");
      Value value = field.value();
      const bool known = on_field(std::string_view(key), value);
      if (!ok()) return;
      if (!known) return fail_at(at, "unknown field \"" + key + "\"");
      seen.push_back(key);
    }
  }

  static constexpr std::size_t kMaxFields = 256;

  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  std::string buffer_;     ///< the text, then simdjson's padding
  std::string_view text_;  ///< into buffer_
  std::uint32_t first_line_ = 1;
  std::optional<TextError> error_;
};

}  // namespace sluice
