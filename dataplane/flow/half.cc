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
      maps_(pool_.size() / kChunkBytes),
      scratch_(bytes_per_flow_) {
  free_.reserve(maps_.size());
  for (std::uint32_t i = 0; i < maps_.size(); ++i) free_.push_back(i);
}

std::size_t HalfRead::memory_bytes() const noexcept {
  return flows_.capacity() * sizeof(Flow) + pool_.capacity() + maps_.capacity() * sizeof(Map) +
         free_.capacity() * sizeof(std::uint32_t) + scratch_.capacity();
}

std::uint32_t HalfRead::find(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s) const noexcept {
  const std::size_t set = set_of(hash);
  for (std::size_t i = set; i < set + kWays; ++i) {
    const Flow& flow = flows_[i];
    if (flow.used && flow.key == key && now_s - flow.seen_s <= kIdle_s) return static_cast<std::uint32_t>(i);
  }
  return kNone;
}

/// A free place in the set of `hash`, made free where need be.
std::uint32_t HalfRead::place(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s, bool proven) noexcept {
  const std::size_t set = set_of(hash);
  std::uint32_t found = kNone, oldest = kNone;
  for (std::size_t i = set; i < set + kWays; ++i) {
    const Flow& flow = flows_[i];
    const auto here = static_cast<std::uint32_t>(i);
    if (flow.used && (now_s - flow.seen_s > kIdle_s || flow.key == key)) close(here);
    if (!flow.used) found = here;
    if (flow.proven && !proven) continue;
    const bool weaker = oldest != kNone && flows_[oldest].proven && !flow.proven;
    const bool same = oldest != kNone && flows_[oldest].proven == flow.proven;
    if (oldest == kNone || weaker || (same && flow.touched < flows_[oldest].touched)) oldest = here;
  }
  if (found != kNone || oldest == kNone) return found;
  close(oldest);
  return oldest;
}

std::uint32_t HalfRead::open(const FlowKey& key, std::uint64_t hash, std::uint32_t base, std::uint32_t now_s,
                             bool proven) noexcept {
  const std::uint32_t handle = place(key, hash, now_s, proven);
  if (handle == kNone) return kNone;
  Flow& flow = flows_[handle];
  flow = {
      .key = key, .base = base, .seen_s = now_s, .touched = ++touches_, .used = true, .proven = proven, .chunk = {}};
  flow.chunk.fill(kNoChunk);
  ++open_;
  return handle;
}

void HalfRead::close(std::uint32_t handle) noexcept {
  Flow& flow = flows_[handle];
  if (!flow.used) return;
  free_chunks(flow);
  flow.used = flow.proven = false;
  --open_;
}

void HalfRead::free_chunks(Flow& flow) noexcept {
  for (std::uint32_t& chunk : flow.chunk) {
    if (chunk != kNoChunk) free_.push_back(chunk);
    chunk = kNoChunk;
  }
}

HalfRead::Kept HalfRead::add(std::uint32_t handle, std::uint32_t seq, Bytes payload, std::uint32_t now_s) noexcept {
  Flow& flow = flows_[handle];
  flow.seen_s = now_s;
  flow.touched = ++touches_;
  std::int64_t at = static_cast<std::int32_t>(seq - flow.base);
  if (at < 0) {
    payload = payload.subspan(std::min<std::size_t>(payload.size(), static_cast<std::size_t>(-at)));
    at = 0;
  }
  if (payload.empty()) return Kept::Stored;
  if (static_cast<std::size_t>(at) + payload.size() > bytes_per_flow_) return Kept::TooLong;
  return store(flow, static_cast<std::size_t>(at), payload) ? Kept::Stored : Kept::NoRoom;
}

bool HalfRead::store(Flow& flow, std::size_t at, Bytes bytes) noexcept {
  flow.end = std::max(flow.end, static_cast<std::uint32_t>(at + bytes.size()));
  while (!bytes.empty()) {
    std::uint32_t& chunk = flow.chunk[at / kChunkBytes];
    if (chunk == kNoChunk) chunk = new_chunk(flow);
    if (chunk == kNoChunk) return false;
    const std::size_t n = std::min(bytes.size(), kChunkBytes - at % kChunkBytes);
    write(chunk, at % kChunkBytes, bytes.first(n));
    bytes = bytes.subspan(n);
    at += n;
  }
  find_gap(flow);
  return true;
}

/// A chunk for `flow`, taken from another stream where none is free.
std::uint32_t HalfRead::new_chunk(const Flow& flow) noexcept {
  for (std::size_t step = 0; free_.empty() && step < kReclaimSteps; ++step) {
    hand_ = (hand_ + 1) % flows_.size();
    const Flow& other = flows_[hand_];
    if (&other != &flow && (flow.proven || !other.proven)) close(static_cast<std::uint32_t>(hand_));
  }
  if (free_.empty()) return kNoChunk;
  const std::uint32_t chunk = free_.back();
  free_.pop_back();
  maps_[chunk].fill(0);
  return chunk;
}

/// Copies the bytes that are not known yet, a word of the map at a time.
void HalfRead::write(std::uint32_t chunk, std::size_t at, Bytes bytes) noexcept {
  std::uint8_t* to = pool_.data() + chunk * kChunkBytes;
  for (std::size_t from = 0; from < bytes.size();) {
    const std::size_t bit = (at + from) % 64;
    const std::size_t n = std::min(bytes.size() - from, 64 - bit);
    const std::uint64_t wanted = (~std::uint64_t{0} >> (64 - n)) << bit;
    std::uint64_t& known = maps_[chunk][(at + from) / 64];
    if ((known & wanted) == 0) {
      std::memcpy(to + at + from, bytes.data() + from, n);
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        if ((known >> (bit + i) & 1) == 0) to[at + from + i] = bytes[from + i];
      }
    }
    known |= wanted;
    from += n;
  }
}

void HalfRead::find_gap(Flow& flow) const noexcept {
  while (flow.known < flow.end) {
    const std::uint32_t chunk = flow.chunk[flow.known / kChunkBytes];
    if (chunk == kNoChunk) return;
    const std::size_t inside = flow.known % kChunkBytes;
    const std::size_t bit = inside % 64;
    const auto run = static_cast<std::size_t>(std::countr_one(maps_[chunk][inside / 64] >> bit));
    flow.known += static_cast<std::uint32_t>(std::min(run, 64 - bit));
    if (run < 64 - bit) return;
  }
}

Bytes HalfRead::head(std::uint32_t handle) noexcept {
  const Flow& flow = flows_[handle];
  const std::size_t length = flow.known - flow.done;
  if (length == 0) return {};
  if (flow.known <= kChunkBytes) return {pool_.data() + flow.chunk[0] * kChunkBytes + flow.done, length};
  for (std::size_t at = 0; at < flow.known; at += kChunkBytes) {
    const std::size_t n = std::min<std::size_t>(kChunkBytes, flow.known - at);
    std::memcpy(scratch_.data() + at, pool_.data() + flow.chunk[at / kChunkBytes] * kChunkBytes, n);
  }
  return {scratch_.data() + flow.done, length};
}

void HalfRead::consume(std::uint32_t handle, std::size_t n) noexcept {
  Flow& flow = flows_[handle];
  if (n >= flow.end - flow.done) {  // nothing is left
    free_chunks(flow);
    flow.base += flow.done + static_cast<std::uint32_t>(n);
    flow.done = flow.known = flow.end = 0;
    return;
  }
  flow.done += static_cast<std::uint32_t>(n);
  flow.known = std::max(flow.known, flow.done);
  while (flow.done >= kChunkBytes) drop_chunk(flow);
  find_gap(flow);
}

void HalfRead::drop_chunk(Flow& flow) noexcept {
  if (flow.chunk[0] != kNoChunk) free_.push_back(flow.chunk[0]);
  std::copy(flow.chunk.begin() + 1, flow.chunk.end(), flow.chunk.begin());
  flow.chunk.back() = kNoChunk;
  flow.base += kChunkBytes;
  flow.done -= kChunkBytes;
  flow.known -= kChunkBytes;
  flow.end -= kChunkBytes;
}

bool HalfRead::drained(std::uint32_t handle) const noexcept {
  return flows_[handle].end == flows_[handle].done;
}

}  // namespace sluice
