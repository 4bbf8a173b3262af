#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/base/cause.h"

namespace sluice {

/// A name as read from a packet, in canonical text form (ASCII, lower case, no trailing dot, 1..253 bytes), in a fixed
/// buffer: the hot path allocates nothing. At least kPad bytes before and after the text are readable, so that a
/// matcher may use masked vector loads; what they hold is not defined.
struct WireName {
  static constexpr std::size_t kPad = 64;
  static constexpr std::size_t kMaxBytes = 253;

  std::uint16_t length = 0;
  std::array<char, kPad + 256 + kPad> buffer;  // deliberately not cleared

  [[nodiscard]] std::string_view text() const noexcept { return {buffer.data() + kPad, length}; }
  [[nodiscard]] char* data() noexcept { return buffer.data() + kPad; }
};

/// Byte of a label → its canonical form (lower case), or 0 where no rule can name it: anything but [A-Za-z0-9_-].
inline constexpr std::array<char, 256> kCanonicalByte = [] {
  std::array<char, 256> fold{};
  for (char c = 'a'; c <= 'z'; ++c) fold[static_cast<unsigned char>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c) fold[static_cast<unsigned char>(c)] = static_cast<char>(c - 'A' + 'a');
  for (char c = '0'; c <= '9'; ++c) fold[static_cast<unsigned char>(c)] = c;
  fold['-'] = '-';
  fold['_'] = '_';
  return fold;
}();

/// Copies a name that a client sent as text (SNI, HTTP Host) into canonical form: folds case, strips one trailing dot.
/// Cause::None, or NameInvalid (empty label, byte outside [A-Za-z0-9_-.], label over 63, name over 253: no rule can
/// mean it), or NameIsAddress (IPv4 dotted quad, or anything with ':' or in brackets). RFC 6066 3.
[[nodiscard]] Cause assign_text_name(WireName& out, std::string_view text) noexcept;

}  // namespace sluice
