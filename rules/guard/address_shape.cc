#include "rules/guard/address_shape.h"

#include <algorithm>

#include "rules/model/name.h"

namespace sluice {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// 0..255 as addresses are written: no leading zeros.
bool is_octet(std::string_view text) noexcept {
  if (text.empty() || text.size() > 3 || !std::ranges::all_of(text, is_digit)) return false;
  if (text.size() > 1 && text.front() == '0') return false;
  return text.size() < 3 || text <= "255";
}

bool is_hex_group(std::string_view text) noexcept {
  const auto hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  return !text.empty() && text.size() <= 4 && std::ranges::all_of(text, hex);
}

/// True where `count` parts in a row, between `separator`s, are each `is_part`.
template <class IsPart>
bool has_run(std::string_view text, char separator, unsigned count, IsPart&& is_part) noexcept {
  unsigned run = 0;
  while (true) {
    const std::size_t end = text.find(separator);
    run = is_part(text.substr(0, end)) ? run + 1 : 0;
    if (run == count) return true;
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
}

/// "ip192" → "192": hosts named by their address glue a word to its first number.
std::string_view number_at_end(std::string_view text) noexcept {
  const std::size_t last_letter = text.find_last_not_of("0123456789");
  return last_letter == std::string_view::npos ? text : text.substr(last_letter + 1);
}

bool label_holds_address(std::string_view label) noexcept {
  if (std::ranges::count(label, '-') < 3) return false;
  unsigned run = 0;
  for (std::string_view rest = label;;) {
    const std::size_t end = rest.find('-');
    const std::string_view part = rest.substr(0, end);
    run = is_octet(part) ? run + 1 : is_octet(number_at_end(part)) ? 1 : 0;
    if (run == 4) return true;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return has_run(label, '-', 8, is_hex_group);
}

}  // namespace

std::string address_shape(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  if (std::ranges::all_of(last, is_digit)) return "it is an address";
  for (const std::string_view tree : {"in-addr.arpa", "ip6.arpa"}) {
    if (is_same_or_below(name, tree)) return "it is the reverse name of an address";
  }
  // Names that hold no digit are most of them.
  if (std::ranges::none_of(name, is_digit)) return {};
  if (has_run(name, '.', 4, is_octet)) return "an address stands in its labels";
  for (std::string_view rest = name;;) {
    const std::size_t dot = rest.find('.');
    if (label_holds_address(rest.substr(0, dot)))
      return "its label " + std::string(rest.substr(0, dot)) + " is an address";
    if (dot == std::string_view::npos) return {};
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace sluice
