#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "control/stage/apply_state.h"
#include "rules/text/config.h"

namespace sluice {

/// The data plane's counters and clocks at one time.
struct HealthSample {
  std::uint64_t run = 0;  ///< which run of the data plane counts; 0: it is out of reach, and nothing is known
  std::uint64_t names = 0, blocked = 0, observed = 0, rx_pkts = 0, dropped_pkts = 0;
  std::uint64_t oldest_poll_ms = 0;  ///< since the worker that is furthest behind last looked for packets
};

/// What a run of the data plane has seen so far, as shares.
[[nodiscard]] Shares shares_of(const HealthSample& sample) noexcept;

/// Says whether a data plane is well under the rules that a feed brought: what is blocked, would be blocked or dropped
/// may be a larger share than before by so many percent points only, and no worker may stand still. Where little was
/// seen, or nothing is known, nothing is held against it.
class HealthGate {
 public:
  static constexpr std::uint64_t kLeastNames = 1000, kLeastPackets = 10'000;

  /// What is wrong, as one line, or nothing. Counts from the first look at this phase on, afresh in every run.
  [[nodiscard]] std::optional<std::string> look(const StagedApply& staged, const HealthBounds& bounds,
                                                const HealthSample& now);

 private:
  struct Begin {
    UnixSeconds since = 0;
    HealthSample sample;
  };
  std::map<std::string, Begin> begins_;  ///< by feed
};

}  // namespace sluice
