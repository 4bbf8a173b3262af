#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// True where the canonical name is a public suffix (libpsl, ICANN and private; any unlisted top-level label is one).
[[nodiscard]] bool is_public_suffix(const std::string& name);

/// True where a public suffix lies below the canonical name ("amazonaws.com" is above "s3.amazonaws.com").
[[nodiscard]] bool is_above_public_suffix(std::string_view name);

/// All listed public suffixes, canonical and sorted, without those that only a wildcard rule makes. From the list of
/// Debian's package publicsuffix, since libpsl cannot enumerate its own; read once. Empty where it is not installed:
/// readers of orders then refuse to go on.
[[nodiscard]] std::span<const std::string> listed_public_suffixes();

}  // namespace sluice
