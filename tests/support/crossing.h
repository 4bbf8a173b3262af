#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "tests/support/pipeline_rig.h"
#include "tests/support/sent_packets.h"

namespace sluice::test {

/// What came of a conversation behind the gateway.
struct Crossed {
  std::vector<std::string> names;  ///< that were read of it
  std::vector<bool> passed;        ///< of its frames
};

/// Sends several conversations through a pipeline at the same time, each in its own order, in bursts of any size.
class Crossing {
 public:
  Crossing(PipelineRig& rig, std::span<const SentPackets> all, Recut& recut)
      : rig_(rig), all_(all), crossed_(all.size()) {
    std::vector<std::size_t> order;  // whose turn it is
    for (std::size_t i = 0; i < all.size(); ++i) order.insert(order.end(), all[i].frames().size(), i);
    if (recut.one_in(2)) std::ranges::shuffle(order, recut.random());
    std::vector<std::size_t> next(all.size());
    for (const std::size_t i : order) {
      const SentFrame& sent = all[i].frames()[next[i]++];
      burst_.push_back({sent.frame.data(), static_cast<std::uint32_t>(sent.frame.size()), sent.from});
      whose_.push_back(i);
      if (burst_.size() == kMaxBurst || recut.one_in(8)) flush();
    }
    flush();
  }
  [[nodiscard]] const std::vector<Crossed>& crossed() const noexcept { return crossed_; }

 private:
  void flush() {
    rig_.pipeline->run(burst_, {rig_.rules.get(), rig_.slots}, rig_.now);
    for (const NameSeen& seen : rig_.pipeline->names()) {
      crossed_[whose_[seen.frame]].names.emplace_back(seen.name.text());
    }
    for (std::size_t i = 0; i < burst_.size(); ++i) {
      crossed_[whose_[i]].passed.push_back(rig_.pipeline->verdicts()[i].fate == Fate::Forward);
    }
    burst_.clear();
    whose_.clear();
  }

  PipelineRig& rig_;
  std::span<const SentPackets> all_;
  std::vector<Crossed> crossed_;
  std::vector<Frame> burst_;
  std::vector<std::size_t> whose_;
};

/// What is wrong with how a conversation crossed the gateway; empty: nothing. Names that are not blocked are read once
/// each, and all frames go on. Of a conversation with a blocked name, that one is read once, no name twice, and the
/// server never gets all that it needs to know a blocked name.
template <class IsBlocked>
std::string fault_of(const Conversation& c, const SentPackets& sent, const Crossed& crossed, IsBlocked&& is_blocked) {
  std::vector<std::string> said, read = crossed.names;
  bool any_blocked = false;
  for (const Conversation::Named& named : c.names) {
    if (!named.again) said.push_back(named.name);
    if (!is_blocked(named.name)) continue;
    any_blocked = true;
    if (sent.receives(named.stream, named.end, crossed.passed)) return "the server got the blocked " + named.name;
  }
  std::ranges::sort(said);
  std::ranges::sort(read);
  if (!std::ranges::includes(said, read)) return "a name was read twice, or never said";
  if (any_blocked) return std::ranges::any_of(read, is_blocked) ? "" : "no blocked name was read";
  if (read != said) return "a name was not read";
  return std::ranges::find(crossed.passed, false) == crossed.passed.end() ? "" : "a frame was held back";
}

}  // namespace sluice::test
