#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace sluice {

inline constexpr std::size_t kMaxNameBytes = 253;  ///< RFC 1035 2.3.4, as text without the final dot
inline constexpr std::size_t kMaxLabelBytes = 63;  ///< RFC 1035 2.3.4
inline constexpr std::size_t kMaxLabels = 127;

enum class NameError : std::uint8_t {
  Empty,         ///< nothing, or only a dot
  EmptyLabel,    ///< two dots in a row, or a leading dot
  LabelTooLong,  ///< a label over 63 bytes in A-label form
  TooLong,       ///< over 253 bytes in A-label form
  Wildcard,      ///< a "*": say `scope: subtree`
  BadCharacter,  ///< not a letter, digit, hyphen or underscore after IDNA mapping
  BadUtf8,       ///< not UTF-8
  BadIdn,        ///< libidn2 refuses it, or the A-label does not round-trip (RFC 5891 4)
};
[[nodiscard]] std::string_view to_string(NameError error) noexcept;

/// A name in the one form that is compared everywhere: NFC, IDNA2008 non-transitional A-labels, lower case,
/// no trailing dot, labels of 1..63 bytes, 1..253 bytes in all. Made by canonical_name() alone.
class Name {
 public:
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  friend auto operator<=>(const Name&, const Name&) = default;

 private:
  friend Result<Name, NameError> canonical_name(std::string_view text);
  explicit Name(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// Text of an order, a list or a command line → canonical name. `text` is UTF-8, with or without a trailing
/// dot. Labels may begin or end with hyphens and hold underscores: such names exist and resolve. An address
/// like 192.0.2.1 is a name as far as this function goes. Canonical text comes back unchanged.
[[nodiscard]] Result<Name, NameError> canonical_name(std::string_view text);

/// True where one label mixes letters of several scripts (UTS 39 5.1; A-labels are decoded first, script
/// extensions are not read): a warning for authors, not an error.
[[nodiscard]] bool mixes_scripts(std::string_view utf8_name);

/// True where `name` is `ancestor` or ends in "." + ancestor. Both canonical. ("tt.me" is not below "t.me".)
[[nodiscard]] constexpr bool is_same_or_below(std::string_view name, std::string_view ancestor) noexcept {
  return name.ends_with(ancestor) && (name.size() == ancestor.size() || name[name.size() - ancestor.size() - 1] == '.');
}

}  // namespace sluice
