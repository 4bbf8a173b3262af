#pragma once

#include <cstdint>
#include <optional>

namespace sluice {

/// Notices that somebody set the wall clock, by which orders begin and end: CLOCK_REALTIME held against CLOCK_BOOTTIME,
/// which nobody can set and which goes on while the machine sleeps. A clock that is slewed (at most 0.05 %,
/// adjtimex(2)) stays within kLeastStepNs between two looks.
class ClockWatch {
 public:
  static constexpr std::int64_t kLeastStepNs = 2'000'000'000;

  /// By how many nanoseconds the wall clock was set since the last look, forwards positive; nothing where it was not.
  std::optional<std::int64_t> look(std::int64_t realtime_ns, std::int64_t boottime_ns) noexcept {
    const std::int64_t offset = realtime_ns - boottime_ns;
    const std::int64_t step = known_ ? offset - offset_ns_ : 0;
    known_ = true;
    offset_ns_ = offset;
    if (step > -kLeastStepNs && step < kLeastStepNs) return std::nullopt;
    return step;
  }

 private:
  std::int64_t offset_ns_ = 0;
  bool known_ = false;
};

}  // namespace sluice
