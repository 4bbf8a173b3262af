#include "rules/image/utf8.h"

#include <cstddef>
#include <cstdint>

namespace sluice {

bool is_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const std::size_t more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (text.size() - i < more) return false;
    // The second byte is where overlong forms, surrogates and the end of the code space show.
    const auto second = static_cast<std::uint8_t>(text[i]);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    for (std::size_t n = 0; n < more; ++n, ++i) {
      if ((static_cast<std::uint8_t>(text[i]) & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

}  // namespace sluice
