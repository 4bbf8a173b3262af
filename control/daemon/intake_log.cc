// The part of Intake that keeps the log ahead of what is enforced: nothing is that does not stand there (promise 3).
#include <set>

#include "control/daemon/intake.h"

namespace sluice {

/// Before a bundle is kept.
Result<void, std::string> Intake::log_before(const SnapshotHeader& header, const std::string& sha256,
                                             const std::filesystem::path& bundle, const ApplyState& apply,
                                             std::span<const GuardRefusal> guarded, UnixSeconds now) {
  Enforced what{header, sha256, bundle, {}};
  std::set<std::string_view> by_guard;
  for (const GuardRefusal& refusal : guarded) {
    by_guard.insert(refusal.order);
    const std::string target = refusal.target.empty() ? "" : refusal.target + ": ";
    what.refusals.push_back({refusal.order, "guard", refusal.code, target + refusal.detail});
  }
  for (const RefusedOrder& refused : apply.refused) {
    if (refused.feed != header.feed || by_guard.contains(refused.order)) continue;
    what.refusals.push_back({refused.order, "operator", refused.code, refused.why});
  }
  const auto logged = ledger_.enforce(what, now);
  if (!logged) return std::unexpected(logged.error());
  return {};
}

/// Before an image is made of what stands: an operator may have taken a refusal back.
Result<void, std::string> Intake::log_standing(UnixSeconds now) {
  for (const FeedView& feed : view_.feeds) {
    if (!feed.state || feed.header.feed.empty()) continue;  // a bundle that does not verify any more goes into no image
    auto logged = log_before(feed.header, feed.state->sha256, store_.files(*feed.state).bundle, stage_.state(),
                             feed.refused, now);
    if (!logged) return logged;
  }
  return {};
}

}  // namespace sluice
