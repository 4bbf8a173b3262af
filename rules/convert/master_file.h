#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sluice {

/// A record of a zone, its names absolute and in lower case.
struct MasterRecord {
  std::string owner;  ///< without the final dot; empty: the root
  std::string type;   ///< upper case
  std::string data;   ///< of a CNAME the name, absolute, with its final dot; of others as it stands
  std::uint32_t line = 0;
};

/// Reads a master file (RFC 1035 5.1): $ORIGIN and $TTL, comments, parentheses, quoted strings, owners that are left
/// out, TTL and class in either order. $INCLUDE and $GENERATE, escapes in names and what makes no record go to
/// `on_error`, and reading goes on behind them.
void read_master_file(std::string_view text, const std::function<void(const MasterRecord&)>& on_record,
                      const std::function<void(std::uint32_t line, std::string what)>& on_error);

}  // namespace sluice
