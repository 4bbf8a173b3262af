#include "rules/text/json_writer.h"

#include <unistr.h>

#include <charconv>
#include <cmath>
#include <cstdio>

namespace sluice {
namespace {

void append_escaped(std::string& out, unsigned char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  if (c >= 0x20) {
    out += static_cast<char>(c);
    return;
  }
  char hex[8];
  const int n = std::snprintf(hex, sizeof hex, "\\u%04x", c);
  out.append(hex, static_cast<std::size_t>(n));
}

}  // namespace

void JsonWriter::separate() {
  if (!first_) *out_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  *out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  *out_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  quote(name);
  *out_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  quote(text);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number);
  return raw({text, static_cast<std::size_t>(end.ptr - text)});
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  *out_ += json;
  return *this;
}

void JsonWriter::quote(std::string_view text) {
  *out_ += '"';
  const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
  std::size_t left = text.size();
  while (left > 0) {
    if (*at < 0x80) {
      append_escaped(*out_, *at++);
      --left;
      continue;
    }
    const int n = u8_mblen(at, left);
    if (n <= 0) {
      *out_ += "\xef\xbf\xbd";
      ++at;
      --left;
      continue;
    }
    out_->append(reinterpret_cast<const char*>(at), static_cast<std::size_t>(n));
    at += n;
    left -= static_cast<std::size_t>(n);
  }
  *out_ += '"';
}

}  // namespace sluice
