#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/flow/flow_key.h"

namespace sluice {

/// Where a TCP connection stood when it was closed: the sequence number of the packet that was blocked, and the one
/// that it acknowledged. UDP has no such place: zeros.
struct StreamPlace {
  std::uint32_t client = 0, server = 0;
};

/// Does a packet belong to the stream that was closed at `place`? One of UDP always does. In TCP whoever can spoof
/// addresses may have a stranger's connection named in a packet of his own; what he cannot know is where its stream
/// stands. So only what lies within kStreamWindow of the place counts: all that could be a copy of the blocked bytes,
/// and what the server says to them; data further on wait at the server for bytes that never come.
[[nodiscard]] bool belongs(const PacketView& view, Sender sender, const StreamPlace& place) noexcept;
inline constexpr std::int32_t kStreamWindow = 64 << 10;

/// Tombstones: connections that were answered and closed, whose later packets fall in both directions, so that neither
/// a retransmission nor the server's own data undoes the answer. Set-associative, keys verified; all memory is taken in
/// the constructor. Time is monotonic, in whole seconds.
class BlockedFlows {
 public:
  /// Room for `flows` or somewhat more.
  explicit BlockedFlows(std::uint32_t flows);

  /// False where the set is full of tombstones that still hold. An existing tombstone is renewed.
  bool insert(const FlowKey& key, std::uint64_t hash, const StreamPlace& place, std::uint32_t now_s,
              std::uint32_t until_s) noexcept;
  /// Where the connection was closed; null where it was not.
  [[nodiscard]] const StreamPlace* find(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s) const noexcept;
  /// A new connection with the same addresses and ports begins.
  void erase(const FlowKey& key, std::uint64_t hash) noexcept;

  /// No tombstone was ever set since the last one ran out: nothing to look up.
  [[nodiscard]] bool empty(std::uint32_t now_s) const noexcept { return now_s >= last_until_s_; }
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&bucket(hash)); }

 private:
  static constexpr std::size_t kWays = 4;
  // Four cache lines: a miss reads the first only, 4 * (4 + 4 + 8) = 64; the keys are 4 * 40 = 160.
  struct alignas(64) Bucket {
    std::array<std::uint32_t, kWays> tags;
    std::array<std::uint32_t, kWays> until_s;
    std::array<StreamPlace, kWays> places;
    std::array<FlowKey, kWays> keys;
  };
  static_assert(sizeof(Bucket) == 256);

  [[nodiscard]] const Bucket& bucket(std::uint64_t hash) const noexcept { return buckets_[hash & mask_]; }
  [[nodiscard]] static std::uint32_t tag(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }
  [[nodiscard]] static std::size_t way_of(const Bucket& b, const FlowKey& key, std::uint64_t hash) noexcept;

  std::vector<Bucket> buckets_;
  std::uint64_t mask_;
  std::uint32_t last_until_s_ = 0;
};

}  // namespace sluice
