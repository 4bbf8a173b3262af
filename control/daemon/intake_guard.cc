// The part of Intake that follows the guards against overblocking (rules/guard). sluice-compile leaves out by itself
// what they refuse; here it becomes alarms, log lines and exports, and here is G7, which is the bundle's.
#include <algorithm>
#include <array>

#include "control/daemon/intake.h"
#include "control/journal/journal.h"
#include "rules/delta/delta.h"

namespace sluice {
namespace {

constexpr std::uint64_t kFreeChurn = 50;         ///< new targets that need no reason
constexpr std::uint64_t kFreeChurnDivisor = 50;  ///< or 2 % of what stands
constexpr std::size_t kRefusalsInJournal = 100;

/// Targets of `to` that `from` does not have.
std::uint64_t new_targets(const std::filesystem::path& from, const std::filesystem::path& to,
                          std::uint64_t most_bytes) {
  const std::string before = read_whole(from, most_bytes), after = read_whole(to, most_bytes);
  const auto old_text = SnapshotText::read(before), new_text = SnapshotText::read(after);
  if (!old_text || !new_text) throw std::runtime_error("a snapshot that was accepted cannot be cut into orders");
  return count(diff(*old_text, *new_text)).targets_added;
}

}  // namespace

/// Guard G7: why a bundle brings more than it may without saying why; nothing where it does not.
std::optional<std::string> Intake::too_much_churn(const Examined& examined) const {
  if (!examined.header.churn_why.empty()) return std::nullopt;
  const std::string& name = examined.header.feed;
  const FeedView& feed = *std::ranges::find(view_.feeds, name, &FeedView::feed);
  // While one is held what follows is held with it, until its header says why or it brings nothing new any more.
  const StagedApply* const earlier = find_staged(stage_.state(), name);
  if (earlier != nullptr && earlier->phase == Phase::Held) return earlier->why;
  const std::uint64_t stands = feed.state ? feed.header.targets : 0;
  const std::uint64_t most = std::max(kFreeChurn, stands / kFreeChurnDivisor);
  if (examined.header.targets <= most) return std::nullopt;
  const std::uint64_t brought = feed.state ? new_targets(store_.files(*feed.state).bundle,
                                                         store_.staging() / "bundle.jsonl", config_.limits.bytes)
                                           : examined.header.targets;
  if (brought <= most) return std::nullopt;
  return std::to_string(brought) + " new targets, " + std::to_string(most) + " are free";
}

ApplyState Intake::arrival_of(const Examined& examined) {
  const std::string& feed = examined.header.feed;
  const std::string base = view_.rules == nullptr ? "" : view_.image_sha256;
  if (auto why = too_much_churn(examined)) return stage_.held(feed, base, health(), now(), *std::move(why));
  if (!examined.header.churn_why.empty()) {
    const std::array<LedgerEvent, 1> events{GuardOverridden{feed, "", "G7", examined.header.churn_why}};
    (void)ledger_.record(events, now());
  }
  return stage_.arrival(feed, base, health(), now(), hold_);
}

/// One alarm a feed; each order in the journal.
void Intake::tell_guards(const FeedView& feed, UnixSeconds now) {
  alarms_.clear("guard-refused", feed.feed);
  if (feed.refused.empty()) return;
  const GuardRefusal& first = feed.refused.front();
  const std::string what =
      first.order + ": " + first.code + ": " + first.target + (first.target.empty() ? "" : ": ") + first.detail;
  alarms_.raise("guard-refused", feed.feed, std::to_string(feed.refused.size()) + " orders, " + what, now);
  for (std::size_t i = 0; i < std::min(feed.refused.size(), kRefusalsInJournal); ++i) {
    const GuardRefusal& refusal = feed.refused[i];
    log(LogLevel::Warning, "order refused",
        {{"feed", feed.feed},
         {"order", refusal.order},
         {"guard", refusal.code},
         {"target", refusal.target},
         {"detail", refusal.detail}});
  }
}

/// The same guards over the same bundles: another number says that lists or programs differ, or that one of us lies.
void Intake::compare_refused(std::uint64_t compiled, const Examined* arrival, UnixSeconds now) {
  std::uint64_t ours = arrival == nullptr ? 0 : arrival->guarded.refusals.size();
  for (const FeedView& feed : view_.feeds) {
    if (arrival == nullptr || feed.feed != arrival->header.feed) ours += feed.refused.size();
  }
  if (ours == compiled) return alarms_.clear("guard-mismatch", "");
  alarms_.raise(
      "guard-mismatch", "",
      "sluice-compile left out " + std::to_string(compiled) + " orders, the guards here refuse " + std::to_string(ours),
      now);
}

}  // namespace sluice
