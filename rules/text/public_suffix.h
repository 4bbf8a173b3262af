#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// True where the canonical name is a public suffix (libpsl, ICANN and private; any unlisted top-level label is one).
[[nodiscard]] bool is_public_suffix(const std::string& name);

/// True where a public suffix lies below the canonical name ("amazonaws.com" is above "s3.amazonaws.com").
[[nodiscard]] bool is_above_public_suffix(std::string_view name);

/// The public suffix of the canonical name and one label more, which one party holds; the name itself where it is a
/// public suffix. A view into `name`.
[[nodiscard]] std::string_view registrable_domain(const std::string& name);

/// Seconds since 1970 of the list that libpsl was made from; 0 where that is not known.
[[nodiscard]] std::int64_t public_suffix_list_time();

/// All listed public suffixes, canonical and sorted, without those that only a wildcard rule makes. From the list of
/// Debian's package publicsuffix, since libpsl cannot enumerate its own; read once. Empty where it is not installed:
/// readers of orders then refuse to go on.
[[nodiscard]] std::span<const std::string> listed_public_suffixes();

}  // namespace sluice
