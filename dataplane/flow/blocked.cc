#include "dataplane/flow/blocked.h"

#include <algorithm>
#include <bit>

namespace sluice {
namespace {

bool near(std::uint32_t a, std::uint32_t b) noexcept {
  const auto apart = static_cast<std::int32_t>(a - b);
  return apart >= -kStreamWindow && apart <= kStreamWindow;
}

}  // namespace

bool belongs(const PacketView& view, Sender sender, const StreamPlace& place) noexcept {
  if (view.proto != IpProto::Tcp) return true;
  if (sender == Sender::Client) return near(view.seq, place.client);
  return ((view.tcp_flags & kAck) != 0 && near(view.ack, place.client)) || near(view.seq, place.server);
}

BlockedFlows::BlockedFlows(std::uint32_t flows)
    : buckets_(std::bit_ceil(std::max<std::size_t>(1, (flows + kWays - 1) / kWays))), mask_(buckets_.size() - 1) {}

std::size_t BlockedFlows::way_of(const Bucket& b, const FlowKey& key, std::uint64_t hash) noexcept {
  for (std::size_t way = 0; way < kWays; ++way) {
    if (b.tags[way] == tag(hash) && b.until_s[way] != 0 && b.keys[way] == key) return way;
  }
  return kWays;
}

bool BlockedFlows::insert(const FlowKey& key, std::uint64_t hash, const StreamPlace& place, std::uint32_t now_s,
                          std::uint32_t until_s) noexcept {
  Bucket& b = buckets_[hash & mask_];
  std::size_t way = way_of(b, key, hash);
  for (std::size_t i = 0; way == kWays && i < kWays; ++i) {
    if (b.until_s[i] <= now_s) way = i;
  }
  if (way == kWays) return false;
  b.tags[way] = tag(hash);
  b.until_s[way] = until_s;
  b.places[way] = place;
  b.keys[way] = key;
  last_until_s_ = std::max(last_until_s_, until_s);
  return true;
}

const StreamPlace* BlockedFlows::find(const FlowKey& key, std::uint64_t hash, std::uint32_t now_s) const noexcept {
  const Bucket& b = bucket(hash);
  const std::size_t way = way_of(b, key, hash);
  return way != kWays && b.until_s[way] > now_s ? &b.places[way] : nullptr;
}

void BlockedFlows::erase(const FlowKey& key, std::uint64_t hash) noexcept {
  Bucket& b = buckets_[hash & mask_];
  const std::size_t way = way_of(b, key, hash);
  if (way != kWays) b.until_s[way] = 0;
}

}  // namespace sluice
