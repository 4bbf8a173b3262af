#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/model/order.h"

namespace sluice {

/// "2026-11-02T00:00:00Z" → seconds. RFC 3339 5.6 as orders speak it: upper-case T and Z, whole seconds, UTC, a day
/// that the calendar has (years 1970 to 9999), no leap second. Anything else: nothing.
[[nodiscard]] std::optional<UnixSeconds> parse_rfc3339(std::string_view text) noexcept;

/// "2026-11-02" → seconds at the start of that day in UTC (RFC 3339 5.6 full-date).
[[nodiscard]] std::optional<UnixSeconds> parse_date(std::string_view text) noexcept;

/// Seconds (years 1970 to 9999) → "2026-11-02T00:00:00Z".
[[nodiscard]] std::string format_rfc3339(UnixSeconds seconds);

}  // namespace sluice
