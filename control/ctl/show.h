#pragma once

#include <string>
#include <string_view>

namespace sluice {

// What sluiced answered (docs/interfaces.md), for people. Each takes the JSON body and gives the text to print; empty
// where the body is not what was expected. `now`: seconds since 1970, for "in 3 d".

[[nodiscard]] std::string show_status(std::string_view json, std::int64_t now, bool causes);
[[nodiscard]] std::string show_why(std::string_view json, std::int64_t now);
[[nodiscard]] std::string show_orders(std::string_view json);
[[nodiscard]] std::string show_apply(std::string_view json);
[[nodiscard]] std::string show_diff(std::string_view json);
[[nodiscard]] std::string show_alarms(std::string_view json, std::int64_t now);

/// What {"error":…} says.
[[nodiscard]] std::string show_error(std::string_view json);

}  // namespace sluice
