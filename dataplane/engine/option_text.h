#pragma once

#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice {

/// What is wrong with the command line; only parse_options() catches it.
struct BadOption : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void reject(const std::string& message) {
  throw BadOption(message);
}

/// All of `text` as a decimal number; `what` names it where it is none.
template <class Number>
Number number(std::string_view text, const std::string& what) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    reject(what + ": not a number: '" + std::string(text) + "'");
  return value;
}

}  // namespace sluice
