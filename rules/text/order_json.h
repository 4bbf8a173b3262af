#pragma once

#include <optional>
#include <string_view>

#include "rules/model/order.h"
#include "rules/text/json_fields.h"

namespace sluice {

/// The header line of a bundle.
void read_header_line(JsonDocument& json, std::string_view line, BundleHeader& header);
/// One order line of a bundle, without check_order(): that is guard G8's, order by order; one target line. Errors stay
/// in `json`.
void read_order_line(JsonDocument& json, std::string_view line, std::uint32_t line_number, Order& order);
void read_target_line(JsonDocument& json, std::string_view line, std::uint32_t line_number,
                      std::optional<Target>& target);
/// A string in RFC 3339.
void read_time(JsonDocument& json, JsonDocument::Value& value, UnixSeconds& out);

}  // namespace sluice
