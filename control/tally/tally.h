#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "dataplane/base/result.h"
#include "dataplane/filter/counters.h"

namespace sluice {

struct OrderTally {
  std::uint64_t blocked = 0, observed = 0;  ///< packets
};

/// The counters of one run of the data plane, summed over its workers.
struct Tally {
  std::uint64_t pid = 0;
  std::uint64_t started_unix_ns = 0;
  std::uint32_t workers = 0;
  std::array<std::uint64_t, 2> rx_pkts{}, rx_bytes{}, tx_pkts{}, tx_bytes{}, reply_pkts{}, reply_bytes{};  ///< by Side
  std::uint64_t dropped_pkts = 0;
  std::array<std::uint64_t, kMethodCount> names{}, blocked{}, observed{};  ///< by Method
  std::array<std::uint64_t, kCauseCount> causes{};                         ///< by Cause
  std::array<Row, kCauseCount> rows{};                                     ///< policy table, by Cause
  std::map<std::pair<std::string, std::string>, OrderTally> orders;        ///< (feed, order id) → hits
};

enum class TallyError : std::uint8_t {
  Unreadable,  ///< no such file, or no right to read it
  Malformed,   ///< not a counter file of this build, or cut short
};
[[nodiscard]] std::string_view to_string(TallyError error) noexcept;

/// Reads the shared counter file (dataplane/filter/counters.h). It is read and not mapped, so that a file cut short
/// under us is an error and not a SIGBUS.
[[nodiscard]] Result<Tally, TallyError> read_tally(const std::filesystem::path& file);

}  // namespace sluice
