#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/flow/flow_key.h"

namespace sluice {

/// Streams of which a message was seen in part: copies of their segments, in any order and with any number of gaps,
/// until the name in them can be read. The first copy of a byte wins. Bounded per stream, in streams and in all; all
/// memory is taken in the constructor. Time is monotonic, in whole seconds.
///
/// Where there is no room, the stream of its set that was idle longest gives way; one whose handshake was seen in full
/// gives way only to such another. So spoofed sources, which complete no handshake, push out nobody who does; where
/// only one direction is seen, a stream is lost when kWays others come to its set between two of its segments.
class HalfRead {
 public:
  struct Limits {
    std::uint32_t flows = 1 << 12;
    std::uint32_t bytes_per_flow = 64 << 10;  ///< at most 64 KiB
    std::uint32_t bytes_total = 16 << 20;
  };
  enum class Kept : std::uint8_t {
    Stored,   ///< all that lies in the stream's window is kept
    NoRoom,   ///< no memory
    TooLong,  ///< reaches beyond bytes_per_flow
  };
  static constexpr std::uint32_t kIdle_s = 10;  ///< a stream that nothing was added to for so long may be replaced
  static constexpr std::uint32_t kNone = 0xffffffff;

  explicit HalfRead(const Limits& limits);

  /// Handle of a stream, or kNone. Handles hold until close() or the next open() or add().
  [[nodiscard]] std::uint32_t find(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s) const noexcept;
  /// A new stream whose first byte has sequence number `base`; `proven`: its handshake was seen in full. kNone where
  /// its set is full of streams that do not give way.
  [[nodiscard]] std::uint32_t open(const FlowKey& key, std::uint64_t hash, std::uint32_t base, std::uint32_t now_s,
                                   bool proven = false) noexcept;
  /// Copies a segment; what lies before the base is left out. May close other streams.
  Kept add(std::uint32_t handle, std::uint32_t seq, Bytes payload, std::uint32_t now_s) noexcept;
  /// The bytes known from the base up to the first gap; valid until the next open() or add(), or head() of another.
  [[nodiscard]] Bytes head(std::uint32_t handle) noexcept;
  /// Moves the base n bytes on, also beyond head(): what is between is not waited for.
  void consume(std::uint32_t handle, std::size_t n) noexcept;
  /// Nothing is kept, neither at the base nor behind a gap.
  [[nodiscard]] bool drained(std::uint32_t handle) const noexcept;
  [[nodiscard]] std::uint32_t base(std::uint32_t handle) const noexcept {
    return flows_[handle].base + flows_[handle].done;
  }
  void close(std::uint32_t handle) noexcept;

  /// Handles are below this.
  [[nodiscard]] std::uint32_t handles() const noexcept { return static_cast<std::uint32_t>(flows_.size()); }
  [[nodiscard]] bool empty() const noexcept { return open_ == 0; }
  [[nodiscard]] std::uint32_t open_flows() const noexcept { return open_; }
  [[nodiscard]] std::uint32_t free_chunks() const noexcept { return static_cast<std::uint32_t>(free_.size()); }
  /// Bytes of memory held: fixed from the constructor on.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::uint32_t kChunkBytes = 2048;
  static constexpr std::size_t kMaxChunks = 32;
  static constexpr std::uint32_t kNoChunk = 0xffffffff;
  static constexpr std::size_t kReclaimSteps = 64;  ///< streams looked at for memory, at most

  struct Flow {
    FlowKey key;
    std::uint32_t base = 0;   ///< sequence number of offset 0
    std::uint32_t done = 0;   ///< offset up to which bytes were consumed; below kChunkBytes
    std::uint32_t known = 0;  ///< offset of the first gap that is waited for
    std::uint32_t end = 0;    ///< offset behind the last byte
    std::uint32_t seen_s = 0;
    std::uint64_t touched = 0;  ///< order of use among all streams
    bool used = false, proven = false;
    std::array<std::uint32_t, kMaxChunks> chunk;
  };
  /// Which bytes of a chunk are known.
  using Map = std::array<std::uint64_t, kChunkBytes / 64>;

  [[nodiscard]] std::size_t set_of(std::uint64_t hash) const noexcept { return (hash & mask_) * kWays; }
  [[nodiscard]] std::uint32_t place(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s, bool proven) noexcept;
  bool store(Flow& flow, std::size_t at, Bytes bytes) noexcept;
  [[nodiscard]] std::uint32_t new_chunk(const Flow& flow) noexcept;
  void write(std::uint32_t chunk, std::size_t at, Bytes bytes) noexcept;
  void find_gap(Flow& flow) const noexcept;
  void drop_chunk(Flow& flow) noexcept;
  void free_chunks(Flow& flow) noexcept;

  std::uint32_t bytes_per_flow_;
  std::vector<Flow> flows_;
  std::uint64_t mask_;
  std::vector<std::uint8_t> pool_;
  std::vector<Map> maps_;            ///< one for each chunk of the pool
  std::vector<std::uint32_t> free_;  ///< capacity = number of chunks: never grows
  std::vector<std::uint8_t> scratch_;
  std::uint32_t open_ = 0;
  std::uint64_t touches_ = 0;
  std::size_t hand_ = 0;  ///< where memory is looked for next
};

}  // namespace sluice
