#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/base/cause.h"
#include "rules/model/order.h"

namespace sluice {

// The shared counter file: one per run of the data plane, made by it, mapped read-only by sluiced and sluicectl.
//
//   CounterFileHeader | OrderSlot[kOrderSlots] | WorkerCounters[workers]
//
// Counters only grow. A worker writes its own WorkerCounters and nobody else does; readers sum over workers. An order
// takes a slot when an image first names it and keeps it for the run, whatever images follow: totals are exact over
// any number of swaps. Values are relaxed atomics: plain stores on x86, and no torn reads.

using Counter = std::atomic<std::uint64_t>;
static_assert(Counter::is_always_lock_free);

/// Owner's increment: a load and a store, no locked instruction.
inline void add(Counter& counter, std::uint64_t n = 1) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

inline constexpr std::array<char, 8> kCounterMagic{'S', 'L', 'C', 'N', 'T', 'R', '0', '2'};
inline constexpr std::size_t kMaxCauses = 128;
static_assert(kCauseCount <= kMaxCauses);
inline constexpr std::uint32_t kOrderSlots = 16384;  ///< orders seen in a run; further ones count in slot 0, "other"

struct alignas(64) CounterFileHeader {
  std::array<char, 8> magic;
  std::uint32_t workers, order_slots, causes, header_bytes;
  std::uint64_t started_unix_ns;
  std::uint64_t pid;
  std::atomic<std::uint32_t> slots_used;  ///< entries of the directory that may be read (store-release)
  std::array<Row, kMaxCauses> rows;       ///< the policy table of this run, by Cause
};

struct OrderSlot {
  std::array<char, 128> feed;  ///< NUL-terminated
  std::array<char, 64> order;  ///< NUL-terminated where shorter
};

struct OrderHits {
  Counter blocked;   ///< packets dropped or answered under this order
  Counter observed;  ///< packets that would have been (mode observe, or the order is in shadow)
};

/// Pipeline writes dropped_pkts, names, blocked, observed, causes (but TxFull, Overload and TooManySegments) and
/// orders; the engine writes the rest: what was really received, sent and answered, and its cycles.
struct alignas(64) WorkerCounters {
  std::array<Counter, 2> rx_pkts, rx_bytes;  ///< by Side
  std::array<Counter, 2> tx_pkts, tx_bytes;  ///< by Side it left on; replies included
  std::array<Counter, 2> reply_pkts, reply_bytes;
  Counter dropped_pkts;                                 ///< by verdict (block, row or tombstone)
  std::array<Counter, kMethodCount> names;              ///< names read
  std::array<Counter, kMethodCount> blocked, observed;  ///< packets by the method that blocked them
  Counter bursts, busy_cycles, idle_cycles;
  std::array<Counter, kMaxCauses> causes;     ///< by Cause
  std::array<OrderHits, kOrderSlots> orders;  ///< by slot
};

}  // namespace sluice
