#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/flow/flow_key.h"

namespace sluice {

/// Tombstones: connections that were answered and closed, whose later packets fall in both directions, so that neither
/// a retransmission nor the server's own data undoes the answer. Set-associative, keys verified; all memory is taken in
/// the constructor. Time is monotonic, in whole seconds.
class BlockedFlows {
 public:
  /// Room for `flows` or somewhat more.
  explicit BlockedFlows(std::uint32_t flows);

  /// False where the set is full of tombstones that still hold. An existing tombstone is renewed.
  bool insert(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s, std::uint32_t until_s) noexcept;
  [[nodiscard]] bool contains(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s) const noexcept;
  /// A new connection with the same addresses and ports begins.
  void erase(const FlowKey& key, std::uint64_t hash) noexcept;

  /// No tombstone was ever set since the last one ran out: nothing to look up.
  [[nodiscard]] bool empty(std::uint32_t now_s) const noexcept { return now_s >= last_until_s_; }
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&bucket(hash)); }

 private:
  static constexpr std::size_t kWays = 4;
  // Three cache lines: a miss reads the first only. 4 * (4 + 4 + 40) = 192.
  struct alignas(64) Bucket {
    std::array<std::uint32_t, kWays> tags;
    std::array<std::uint32_t, kWays> until_s;
    std::array<FlowKey, kWays> keys;
  };
  static_assert(sizeof(Bucket) == 192);

  [[nodiscard]] const Bucket& bucket(std::uint64_t hash) const noexcept { return buckets_[hash & mask_]; }
  [[nodiscard]] static std::uint32_t tag(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }
  [[nodiscard]] static std::size_t find(const Bucket& b, const FlowKey& key, std::uint64_t hash) noexcept;

  std::vector<Bucket> buckets_;
  std::uint64_t mask_;
  std::uint32_t last_until_s_ = 0;
};

}  // namespace sluice
