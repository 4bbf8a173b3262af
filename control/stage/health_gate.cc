#include "control/stage/health_gate.h"

namespace sluice {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

std::uint64_t ppm(std::uint64_t part, std::uint64_t whole) noexcept {
  return whole == 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(part) / static_cast<double>(whole) * kMillion);
}

std::string percent(std::uint64_t in_ppm) {
  return std::to_string(in_ppm / 10'000) + "." + std::to_string(in_ppm / 1000 % 10) + " %";
}

/// "names blocked: 31.0 % since, 2.0 % before", where that is more of a rise than the bound allows.
std::optional<std::string> risen(const char* what, std::uint64_t now, std::uint64_t before, unsigned bound_percent) {
  if (now <= before + std::uint64_t{bound_percent} * 10'000) return std::nullopt;
  return std::string(what) + ": " + percent(now) + " since, " + percent(before) + " before";
}

}  // namespace

Shares shares_of(const HealthSample& sample) noexcept {
  return {ppm(sample.blocked, sample.names), ppm(sample.observed, sample.names),
          ppm(sample.dropped_pkts, sample.rx_pkts)};
}

std::optional<std::string> HealthGate::look(const StagedApply& staged, const HealthBounds& bounds,
                                            const HealthSample& now) {
  if (now.run == 0) return std::nullopt;
  Begin& begin = begins_[staged.feed];
  if (begin.sample.run != now.run || begin.since != staged.since) begin = {staged.since, now};
  if (now.oldest_poll_ms > bounds.stalled_ms) {
    return "a worker has stood still for " + std::to_string(now.oldest_poll_ms) + " ms";
  }
  HealthSample seen = now;
  seen.names -= begin.sample.names;
  seen.blocked -= begin.sample.blocked;
  seen.observed -= begin.sample.observed;
  seen.rx_pkts -= begin.sample.rx_pkts;
  seen.dropped_pkts -= begin.sample.dropped_pkts;
  const Shares shares = shares_of(seen);
  if (seen.names >= kLeastNames) {
    if (auto why = risen("names blocked", shares.blocked_ppm, staged.before.blocked_ppm, bounds.blocked_percent)) {
      return why;
    }
    if (auto why = risen("names that would be blocked", shares.observed_ppm, staged.before.observed_ppm,
                         bounds.blocked_percent)) {
      return why;
    }
  }
  if (seen.rx_pkts < kLeastPackets) return std::nullopt;
  return risen("packets dropped", shares.dropped_ppm, staged.before.dropped_ppm, bounds.dropped_percent);
}

}  // namespace sluice
