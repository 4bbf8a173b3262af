#pragma once

#include <cstdint>
#include <string_view>

#include "rules/model/ascii.h"

namespace sluice {

// Lists of one thing a line: what guards and importers read.

/// Calls `on_line(number, text)` for each line that is not empty; numbers from 1, text without blanks around it.
template <class OnLine>
void each_line(std::string_view text, OnLine&& on_line) {
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t newline = text.find('\n');
    if (const std::string_view line = trimmed(text.substr(0, newline)); !line.empty()) on_line(number, line);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
}

/// Takes the first word off a line; empty where none is left.
[[nodiscard]] inline std::string_view next_word(std::string_view& rest) noexcept {
  rest = trimmed(rest);
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t\r"));
  rest.remove_prefix(word.size());
  return word;
}

}  // namespace sluice
