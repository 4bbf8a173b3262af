#include "dataplane/flow/half.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluice {

HalfRead::HalfRead(const Limits& limits)
    : bytes_per_flow_(std::min<std::uint32_t>(limits.bytes_per_flow, kMaxChunks * kChunkBytes)),
      flows_(kWays * std::bit_ceil(std::max<std::size_t>(1, (limits.flows + kWays - 1) / kWays))),
      mask_(flows_.size() / kWays - 1),
      pool_(std::max<std::size_t>(1, limits.bytes_total / kChunkBytes) * kChunkBytes),
      scratch_(bytes_per_flow_) {
  free_.reserve(pool_.size() / kChunkBytes);
  for (std::uint32_t i = 0; i < pool_.size() / kChunkBytes; ++i) free_.push_back(i);
}

std::uint32_t HalfRead::find(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s) const noexcept {
  const std::size_t set = set_of(hash);
  for (std::size_t i = set; i < set + kWays; ++i) {
    const Flow& flow = flows_[i];
    if (flow.used && flow.key == key && now_s - flow.seen_s <= kIdle_s) return static_cast<std::uint32_t>(i);
  }
  return kNone;
}

std::uint32_t HalfRead::open(const FlowKey& key, std::uint64_t hash, std::uint32_t base, std::uint32_t now_s) noexcept {
  const std::size_t set = set_of(hash);
  std::uint32_t place = kNone;
  for (std::size_t i = set; i < set + kWays; ++i) {
    const Flow& flow = flows_[i];
    const bool outdated = flow.used && (now_s - flow.seen_s > kIdle_s || flow.key == key);
    if (outdated) close(static_cast<std::uint32_t>(i));
    if (!flow.used) place = static_cast<std::uint32_t>(i);
  }
  if (place == kNone) return kNone;
  Flow& flow = flows_[place];
  flow.key = key;
  flow.base = base;
  flow.seen_s = now_s;
  flow.used = true;
  flow.ranges = 0;
  flow.chunk.fill(kNoChunk);
  ++open_;
  return place;
}

void HalfRead::close(std::uint32_t handle) noexcept {
  Flow& flow = flows_[handle];
  if (!flow.used) return;
  for (std::uint32_t& chunk : flow.chunk) {
    if (chunk != kNoChunk) free_.push_back(chunk);
    chunk = kNoChunk;
  }
  flow.used = false;
  flow.ranges = 0;
  --open_;
}

HalfRead::Kept HalfRead::add(std::uint32_t handle, std::uint32_t seq, Bytes payload, std::uint32_t now_s) noexcept {
  Flow& flow = flows_[handle];
  flow.seen_s = now_s;
  std::int64_t at = static_cast<std::int32_t>(seq - flow.base);
  if (at < 0) {
    payload = payload.subspan(std::min<std::size_t>(payload.size(), static_cast<std::size_t>(-at)));
    at = 0;
  }
  if (payload.empty()) return Kept::Stored;
  if (static_cast<std::size_t>(at) + payload.size() > bytes_per_flow_) return Kept::TooLong;
  return store(flow, static_cast<std::uint32_t>(at), payload) ? Kept::Stored : Kept::NoRoom;
}

/// Copies the parts of `bytes` that no range covers yet, then notes the whole as known.
bool HalfRead::store(Flow& flow, std::uint32_t at, Bytes bytes) noexcept {
  const auto end = static_cast<std::uint32_t>(at + bytes.size());
  std::uint32_t from = at;
  for (std::size_t i = 0; i < flow.ranges && from < end; ++i) {
    const Range& known = flow.range[i];
    if (known.end <= from) continue;
    if (known.begin >= end) break;
    if (known.begin > from && !fill_gap(flow, from, bytes.subspan(from - at, known.begin - from))) return false;
    from = known.end;
  }
  if (from < end && !fill_gap(flow, from, bytes.subspan(from - at, end - from))) return false;
  return merge(flow, {static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(end)});
}

bool HalfRead::fill_gap(Flow& flow, std::uint32_t at, Bytes bytes) noexcept {
  while (!bytes.empty()) {
    std::uint32_t& chunk = flow.chunk[at / kChunkBytes];
    if (chunk == kNoChunk) {
      if (free_.empty()) return false;
      chunk = free_.back();
      free_.pop_back();
    }
    const std::size_t inside = at % kChunkBytes;
    const std::size_t n = std::min(bytes.size(), kChunkBytes - inside);
    std::memcpy(pool_.data() + chunk * kChunkBytes + inside, bytes.data(), n);
    at += static_cast<std::uint32_t>(n);
    bytes = bytes.subspan(n);
  }
  return true;
}

/// Adds a range to the sorted list and joins what touches. False: more separate ranges than are kept.
bool HalfRead::merge(Flow& flow, Range fresh) noexcept {
  std::array<Range, kMaxRanges + 1> merged;
  std::size_t count = 0;
  bool placed = false;
  for (std::size_t i = 0; i < flow.ranges; ++i) {
    const Range known = flow.range[i];
    if (known.end < fresh.begin) {
      merged[count++] = known;
    } else if (known.begin > fresh.end) {
      if (!placed) merged[count++] = fresh;
      placed = true;
      merged[count++] = known;
    } else {
      fresh = {std::min(fresh.begin, known.begin), std::max(fresh.end, known.end)};
    }
  }
  if (!placed) merged[count++] = fresh;
  if (count > kMaxRanges) return false;
  std::copy_n(merged.begin(), count, flow.range.begin());
  flow.ranges = static_cast<std::uint8_t>(count);
  return true;
}

Bytes HalfRead::head(std::uint32_t handle) noexcept {
  const Flow& flow = flows_[handle];
  if (flow.ranges == 0 || flow.range[0].begin != 0) return {};
  const std::size_t length = flow.range[0].end;
  for (std::size_t at = 0; at < length; at += kChunkBytes) {
    const std::size_t n = std::min(kChunkBytes, length - at);
    std::memcpy(scratch_.data() + at, pool_.data() + flow.chunk[at / kChunkBytes] * kChunkBytes, n);
  }
  return {scratch_.data(), length};
}

}  // namespace sluice
