#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"

namespace sluice {

inline constexpr std::string_view kUntrusted = "untrusted comment: ";

/// Exactly `count` lines, the first an untrusted comment; the last may lack its end, lines may end in CR LF.
[[nodiscard]] std::optional<std::vector<std::string_view>> minisign_lines(std::string_view text, std::size_t count);
/// False where the text is not base64 of exactly that many bytes.
[[nodiscard]] bool from_base64(std::string_view base64, std::uint8_t* out, std::size_t bytes);
[[nodiscard]] std::string base64_of(Bytes bytes);

}  // namespace sluice
