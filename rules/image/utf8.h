#pragma once

#include <string_view>

namespace sluice {

/// True where `text` is well-formed UTF-8 (RFC 3629 4: no surrogates, nothing overlong, nothing over U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace sluice
