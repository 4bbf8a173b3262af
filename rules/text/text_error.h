#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Something wrong at a place in a text.
struct TextError {
  std::uint32_t line = 0;    ///< from 1; 0 where the file as a whole is meant
  std::uint32_t column = 0;  ///< from 1, in bytes
  std::string code;  ///< "G1", "E_SCOPE" … where a rule of the contract is broken; empty where the text is malformed
  std::string what;
  std::string subject = {};  ///< E_SCOPE: the URL, account or address that was written where a name is wanted
  friend bool operator==(const TextError&, const TextError&) = default;
};

/// "file:line:column: CODE: what", as compilers print it.
[[nodiscard]] std::string to_string(const TextError& error, std::string_view file);

}  // namespace sluice
