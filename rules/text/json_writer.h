#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Appends compact JSON (RFC 8259) to a string: commas by itself, members in the order of the calls, the escapes of
/// RFC 8785 3.2.2.2. Bytes that are not UTF-8 become U+FFFD, so the output is always valid.
///
///   JsonWriter json(out);
///   json.begin_object().member("n", "news.example.org").key("s").value("subtree").end_object();
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(&out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool yes) { return raw(yes ? "true" : "false"); }
  JsonWriter& value(std::integral auto number) { return raw(std::to_string(number)); }
  JsonWriter& value(double number);  ///< shortest form that reads back the same; null where it is not finite
  JsonWriter& null() { return raw("null"); }
  /// `json` must be one JSON value already.
  JsonWriter& raw(std::string_view json);

  template <class T>
  JsonWriter& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  /// Left out where empty.
  JsonWriter& member_if(std::string_view name, std::string_view text) {
    return text.empty() ? *this : key(name).value(text);
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();
  void quote(std::string_view text);

  std::string* out_;
  bool first_ = true;  ///< nothing precedes the next value in its container, or a key does
};

}  // namespace sluice
