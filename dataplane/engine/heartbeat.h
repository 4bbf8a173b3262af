#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "dataplane/base/result.h"

namespace sluice {

/// The map in which workers tell the steer program of one interface that they live: [queue] = CLOCK_MONOTONIC ns of
/// the last poll. Zero = dead: the kernel then forwards by itself.
class Heartbeat {
 public:
  /// Maps `pin` (bpf/abi.h: SLUICE_PIN_HEARTBEAT) into memory. Error: no such pin, or not that kind of map.
  static Result<std::unique_ptr<Heartbeat>, std::string> open(const std::filesystem::path& pin);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void beat(unsigned queue, std::uint64_t now_ns) noexcept { slots_[queue].store(now_ns, std::memory_order_relaxed); }

 private:
  Heartbeat(std::atomic<std::uint64_t>* slots, std::size_t bytes) noexcept : slots_(slots), bytes_(bytes) {}
  std::atomic<std::uint64_t>* slots_;
  std::size_t bytes_;
};

}  // namespace sluice
