#pragma once

#include <poll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/engine/ports.h"
#include "dataplane/engine/rule_switch.h"
#include "dataplane/filter/counters.h"
#include "dataplane/filter/pipeline.h"

struct rte_mbuf;

namespace sluice {

/// Between one worker and the main thread. Only the worker writes it, but for `stop`.
struct alignas(64) WorkerStatus {
  std::atomic<bool> stop{false};
  std::atomic<bool> running{false};
  std::atomic<bool> captures_read{false};      ///< every pcap: input is at its end and all of it is out
  std::atomic<std::uint64_t> last_poll_ns{0};  ///< CLOCK_MONOTONIC
};

/// One packet thread: receives on its queue of every port, judges the burst, and sends what may go on to the peer port.
/// Copies (mirror mode) go nowhere; their answers leave on the injection port. Nothing is shared with other workers.
class Worker {
 public:
  /// Everything given outlives the worker. `seed` keys its flow tables.
  Worker(unsigned index, const Ports& ports, const Policy& policy, RuleSwitch& rules, WorkerCounters& counters,
         WorkerStatus& status, std::uint64_t seed);

  /// Runs on the calling thread until status.stop, then hands the wire back: heartbeats cease, so that the kernel
  /// forwards, and what was received before is still sent.
  void run() noexcept;

  [[nodiscard]] std::uint64_t bursts() const noexcept { return counters_.bursts.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t tx_drops(std::size_t port) const noexcept {
    return tx_drops_[port].load(std::memory_order_relaxed);
  }

 private:
  bool poll_all() noexcept;
  bool poll(std::size_t port) noexcept;
  void judge(std::size_t port, rte_mbuf** frames, std::uint16_t count) noexcept;
  void pass_on(std::size_t port, rte_mbuf** frames, std::span<const std::uint16_t> view_of) noexcept;
  void answer(std::size_t port) noexcept;
  [[nodiscard]] const std::uint8_t* contiguous(rte_mbuf* frame, std::size_t place) noexcept;
  [[nodiscard]] bool can_leave(rte_mbuf* frame, const Port& to) noexcept;
  void count_received(const Port& from, rte_mbuf* const* frames, std::span<const std::uint16_t> view_of) noexcept;
  void send(std::size_t port, Side towards, rte_mbuf** frames, std::uint16_t count) noexcept;
  void flush_all() noexcept;
  void beat(std::uint64_t now_ns) noexcept;
  void wait_for_frames() noexcept;
  bool captures_at_end() noexcept;
  void hand_back() noexcept;

  unsigned index_;
  const Ports& ports_;
  RuleSwitch& rules_;
  WorkerCounters& counters_;
  WorkerStatus& status_;
  Pipeline pipeline_;
  std::vector<Counter> tx_drops_;
  bool unread_falls_;                 ///< row of TooManySegments
  std::vector<std::uint8_t> linear_;  ///< for each frame of a burst: a copy of what came in several segments
  std::vector<pollfd> sockets_;
  bool can_wait_ = true;  ///< every port has a socket that tells of frames
  bool has_captures_ = false;
};

}  // namespace sluice
