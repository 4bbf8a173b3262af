#pragma once

#include <sodium.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/bytes.h"

namespace sluice {

// The lines that signed notes and proofs are made of.

[[nodiscard]] inline std::string to_base64(Bytes bytes) {
  std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // the terminator
  return out;
}

/// Exactly N bytes, or nothing.
template <std::size_t N>
[[nodiscard]] std::optional<std::array<std::uint8_t, N>> from_base64(std::string_view text) {
  std::array<std::uint8_t, N> out;
  std::size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(out.data(), N, text.data(), text.size(), nullptr, &length, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      length != N || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return out;
}

/// Any number of bytes up to `most`.
[[nodiscard]] inline std::optional<std::string> bytes_from_base64(std::string_view text, std::size_t most) {
  std::string out(std::min(text.size() / 4 * 3 + 3, most), '\0');
  std::size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(), text.size(), nullptr,
                        &length, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size()) {
    return std::nullopt;
  }
  out.resize(length);
  return out;
}

/// Takes a line off the front; nothing where there is no newline.
[[nodiscard]] inline std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

/// A decimal number without leading zeroes.
[[nodiscard]] inline std::optional<std::uint64_t> plain_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool plain =
      read.ec == std::errc() && read.ptr == text.data() + text.size() && (text == "0" || !text.starts_with('0'));
  return plain ? std::optional(number) : std::nullopt;
}

}  // namespace sluice
