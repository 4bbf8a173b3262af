#include "dataplane/flow/young.h"

#include <algorithm>
#include <bit>

namespace sluice {
namespace {

std::uint32_t tag_of(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(hash >> 32);
}

std::uint16_t age_of(const YoungFlows::Flow& flow, std::uint32_t now_s) noexcept {
  return static_cast<std::uint16_t>(static_cast<std::uint16_t>(now_s) - flow.seen_s);
}

bool lives(const YoungFlows::Flow& flow, std::uint32_t now_s) noexcept {
  const std::uint16_t limit = flow.waits() ? YoungFlows::kLifetime_s : YoungFlows::kBegunIdle_s;
  return flow.state != YoungFlows::State::Free && age_of(flow, now_s) <= limit;
}

constexpr std::uint32_t kBegun = 1000;  // above any age of a SYN, as any age of a stream is below 2 * kBegun
static_assert(YoungFlows::kLifetime_s < kBegun && YoungFlows::kBegunIdle_s < kBegun);

/// How readily an entry gives way; 0: not at all.
std::uint32_t ease(const YoungFlows::Flow& flow, std::uint32_t now_s) noexcept {
  if (!lives(flow, now_s)) return 3 * kBegun;
  if (!flow.waits()) return kBegun + age_of(flow, now_s);
  return flow.state == YoungFlows::State::Syn ? 1U + age_of(flow, now_s) : 0;
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
    auto& flows = buckets_[hash & mask_].flows;  // the newest first
    auto victim = flows.begin();
    for (auto flow = flows.begin(); flow != flows.end(); ++flow) {
      if (ease(*flow, now_s) >= ease(*victim, now_s)) victim = flow;
    }
    if (ease(*victim, now_s) == 0) return nullptr;
    std::copy_backward(flows.begin(), victim, victim + 1);
    place = flows.data();
  }
  *place = Flow{.tag = tag_of(hash), .seen_s = static_cast<std::uint16_t>(now_s), .state = state};
  return place;
}

}  // namespace sluice
