#include "rules/text/json_fields.h"

#include <algorithm>

namespace sluice {

bool JsonDocument::start(std::string_view text, std::uint32_t first_line) {
  error_.reset();
  buffer_.assign(text);
  buffer_.resize(text.size() + simdjson::SIMDJSON_PADDING, ' ');
  text_ = std::string_view(buffer_).substr(0, text.size());
  first_line_ = first_line;
  const simdjson::padded_string_view padded(buffer_.data(), text.size(), buffer_.size());
  const auto code = parser_.iterate(padded).get(document_);
  if (code == simdjson::SUCCESS) return true;
  fail_at(text_.data(), simdjson::error_message(code));
  return false;
}

const char* JsonDocument::here() {
  const char* at = nullptr;
  return document_.current_location().get(at) == simdjson::SUCCESS ? at : text_.data() + text_.size();
}

void JsonDocument::expect_end() {
  const char* at = nullptr;
  const auto code = document_.current_location().get(at);
  if (code == simdjson::OUT_OF_BOUNDS) return;
  fail_at(code == simdjson::SUCCESS ? at : text_.data(), "text after the end of the object");
}

bool JsonDocument::check(simdjson::error_code code, const char* at, const char* expected) {
  if (code == simdjson::SUCCESS) return true;
  const bool wrong_type = code == simdjson::INCORRECT_TYPE && expected != nullptr;
  fail_at(at != nullptr ? at : here(), wrong_type ? expected : simdjson::error_message(code));
  return false;
}

void JsonDocument::fail_at(const char* at, std::string what) {
  if (error_.has_value()) return;
  const char* end = text_.data() + text_.size();
  at = std::clamp(at, text_.data(), end);
  TextError error;
  const std::string_view before(text_.data(), static_cast<std::size_t>(at - text_.data()));
  const std::size_t newline = before.rfind('\n');
  error.line = first_line_ + static_cast<std::uint32_t>(std::ranges::count(before, '\n'));
  error.column =
      static_cast<std::uint32_t>(newline == std::string_view::npos ? before.size() : before.size() - newline - 1) + 1;
  error.what = std::move(what);
  error_ = std::move(error);
}

void JsonDocument::read_string(Value& value, std::string& out) {
  if (!ok()) return;
  const char* at = place(value);
  std::string_view text;
  if (!check(value.get_string().get(text), at, "expected a string")) return;
  if (text.find('\0') != std::string_view::npos) return fail_at(at, "a NUL in a string");
  out = text;
}

void JsonDocument::read_u64(Value& value, std::uint64_t& out) {
  if (!ok()) return;
  const char* at = place(value);
  const auto code = value.get_uint64().get(out);
  if (code == simdjson::SUCCESS) return;
  fail_at(at, "expected a whole number");
}

}  // namespace sluice
