#include "dataplane/flow/young.h"

#include <algorithm>
#include <bit>

namespace sluice {
namespace {

std::uint32_t tag_of(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(hash >> 32);
}

bool lives(const YoungFlows::Flow& flow, std::uint32_t now_s) noexcept {
  const auto age = static_cast<std::uint16_t>(static_cast<std::uint16_t>(now_s) - flow.seen_s);
  const std::uint16_t limit = flow.waits() ? YoungFlows::kLifetime_s : YoungFlows::kBegunIdle_s;
  return flow.state != YoungFlows::State::Free && age <= limit;
}

}  // namespace

YoungFlows::YoungFlows(std::uint32_t flows)
    : buckets_(std::bit_ceil(std::max<std::size_t>(1, (flows + kWays - 1) / kWays))), mask_(buckets_.size() - 1) {}

YoungFlows::Flow* YoungFlows::find(std::uint64_t hash, std::uint32_t now_s) noexcept {
  for (Flow& flow : buckets_[hash & mask_].flows) {
    if (flow.tag == tag_of(hash) && lives(flow, now_s)) return &flow;
  }
  return nullptr;
}

YoungFlows::Flow* YoungFlows::insert(std::uint64_t hash, std::uint32_t now_s, State state) noexcept {
  Flow* place = find(hash, now_s);
  if (place == nullptr) {
    for (Flow& flow : buckets_[hash & mask_].flows) {
      // A free or outdated entry before a stream that has begun.
      if (!lives(flow, now_s)) {
        place = &flow;
        break;
      }
      if (!flow.waits()) place = &flow;
    }
  }
  if (place == nullptr) return nullptr;
  *place = Flow{.tag = tag_of(hash), .seen_s = static_cast<std::uint16_t>(now_s), .state = state};
  return place;
}

}  // namespace sluice
