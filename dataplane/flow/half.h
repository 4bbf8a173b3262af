#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/flow/flow_key.h"

namespace sluice {

/// Streams of which the first bytes were seen in part: copies of their segments, in any order, until the name in them
/// can be read. The first copy of a byte wins. Bounded per stream, in streams and in all; all memory is taken in the
/// constructor. Time is monotonic, in whole seconds.
class HalfRead {
 public:
  struct Limits {
    std::uint32_t flows = 1 << 12;
    std::uint32_t bytes_per_flow = 16 << 10;  ///< at most 32 KiB
    std::uint32_t bytes_total = 16 << 20;
  };
  enum class Kept : std::uint8_t {
    Stored,   ///< all that lies in the stream's window is kept
    NoRoom,   ///< no memory, or more gaps than are followed
    TooLong,  ///< reaches beyond bytes_per_flow
  };
  static constexpr std::uint32_t kIdle_s = 10;  ///< a stream that nothing was added to for so long may be replaced
  static constexpr std::uint32_t kNone = 0xffffffff;

  explicit HalfRead(const Limits& limits);

  /// Handle of a stream, or kNone. Handles hold until close() or the next open().
  [[nodiscard]] std::uint32_t find(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s) const noexcept;
  /// A new stream whose first byte has sequence number `base`; kNone where its set is full.
  [[nodiscard]] std::uint32_t open(const FlowKey& key, std::uint64_t hash, std::uint32_t base,
                                   std::uint32_t now_s) noexcept;
  /// Copies a segment; what lies before the base is left out.
  Kept add(std::uint32_t handle, std::uint32_t seq, Bytes payload, std::uint32_t now_s) noexcept;
  /// The bytes known from the base up to the first gap; valid until the next call of any kind.
  [[nodiscard]] Bytes head(std::uint32_t handle) noexcept;
  [[nodiscard]] std::uint32_t base(std::uint32_t handle) const noexcept { return flows_[handle].base; }
  void close(std::uint32_t handle) noexcept;

  [[nodiscard]] bool empty() const noexcept { return open_ == 0; }
  [[nodiscard]] std::uint32_t open_flows() const noexcept { return open_; }
  [[nodiscard]] std::uint32_t free_chunks() const noexcept { return static_cast<std::uint32_t>(free_.size()); }

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kChunkBytes = 2048;
  static constexpr std::size_t kMaxChunks = 16;
  static constexpr std::size_t kMaxRanges = 8;
  static constexpr std::uint32_t kNoChunk = 0xffffffff;

  struct Range {
    std::uint16_t begin, end;  ///< offsets from the base; sorted, apart from each other
  };
  struct Flow {
    FlowKey key;
    std::uint32_t base = 0;
    std::uint32_t seen_s = 0;
    bool used = false;
    std::uint8_t ranges = 0;
    std::array<Range, kMaxRanges> range;
    std::array<std::uint32_t, kMaxChunks> chunk;
  };

  [[nodiscard]] std::size_t set_of(std::uint64_t hash) const noexcept { return (hash & mask_) * kWays; }
  bool store(Flow& flow, std::uint32_t at, Bytes bytes) noexcept;
  bool fill_gap(Flow& flow, std::uint32_t at, Bytes bytes) noexcept;
  static bool merge(Flow& flow, Range fresh) noexcept;

  std::uint32_t bytes_per_flow_;
  std::vector<Flow> flows_;
  std::uint64_t mask_;
  std::vector<std::uint8_t> pool_;
  std::vector<std::uint32_t> free_;  ///< capacity = number of chunks: never grows
  std::vector<std::uint8_t> scratch_;
  std::uint32_t open_ = 0;
};

}  // namespace sluice
