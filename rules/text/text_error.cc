#include "rules/text/text_error.h"

namespace sluice {

std::string to_string(const TextError& error, std::string_view file) {
  std::string out(file);
  if (error.line != 0) out += ':' + std::to_string(error.line) + ':' + std::to_string(error.column);
  out += ": ";
  if (!error.code.empty()) out += error.code + ": ";
  return out + error.what;
}

}  // namespace sluice
