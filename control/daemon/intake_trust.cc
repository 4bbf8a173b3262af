// The part of Intake that follows roots, and that notices what does not come.
#include <algorithm>
#include <array>

#include "control/daemon/intake.h"
#include "rules/text/rfc3339.h"
#include "rules/text/root.h"

namespace sluice {

namespace fs = std::filesystem;

/// A root that follows the current one. sluice-compile is told with the next request, and judges it by itself.
Outcome Intake::try_root(const Arrival& arrival, const fs::path& staged) {
  const auto examined = examine_root(bundle_files_in(staged), config_, memory_);
  if (!examined) return refuse(arrival, examined.error());
  const Root& root = examined->root;
  if (!examined->unchanged) {
    const std::array<LedgerEvent, 1> events{RootChanged{root.feed, read_whole(staged / "bundle.jsonl", kMaxRootBytes)}};
    if (const auto logged = ledger_.record(events, now()); !logged) {
      return refuse(arrival, {"log-failed", root.feed, logged.error(), true});
    }
    store_.keep_root(root.feed, root.version);
    alarms_.clear("root-expired", root.feed);
    told_.erase({"root-expired", root.feed});
    look_again();
  }
  pending_.erase(arrival.name());
  inbox_.settle(arrival, Inbox::Fate::Accepted, "");
  const std::string which = "root " + std::to_string(root.version);
  return {arrival.name(), examined->unchanged ? "unchanged" : "accepted", root.feed, which, root.epoch, 0};
}

/// What waited for a root or for the base of a delta may have got it.
void Intake::look_again() {
  for (auto& [name, pending] : pending_) pending.stale = true;
}

/// A delta that waited for its base, and then a newer snapshot came instead: no rollback.
bool Intake::overtaken(const Arrival& arrival, const Refusal& refusal) const {
  const auto before = pending_.find(arrival.name());
  return refusal.code == "rollback" && before != pending_.end() && before->second.refusal.code == "delta-base";
}

Outcome Intake::settle_overtaken(const Arrival& arrival, const Refusal& refusal) {
  pending_.erase(arrival.name());
  inbox_.settle(arrival, Inbox::Fate::Rejected, "delta-base: overtaken: " + refusal.detail);
  return {arrival.name(), "delta-base", refusal.feed, "overtaken: " + refusal.detail, 0, 0};
}

/// Freeze (TUF specification 1.5.2): somebody may be keeping newer bundles from us.
void Intake::watch_freshness(UnixSeconds now) {
  for (const FeedView& feed : view_.feeds) watch_freshness(feed, now);
}

void Intake::watch_freshness(const FeedView& feed, UnixSeconds now) {
  const auto tell = [&](const char* code, const std::string& detail) {
    if (told_.insert({code, feed.feed}).second) alarms_.raise(code, feed.feed, detail, now);
  };
  if (const auto chain = roots_of(*config_.find(feed.feed), memory_); chain && chain->current().expires <= now) {
    tell("root-expired", "root " + std::to_string(chain->current().version) + " ended at " +
                             format_rfc3339(chain->current().expires) + ": no new bundle counts until another follows");
  }
  if (!feed.state || feed.header.expires == 0) return;
  const std::string end = format_rfc3339(feed.header.expires);
  const UnixSeconds stale = feed.header.issued + (feed.header.expires - feed.header.issued) / 4 * 3;
  if (now >= feed.header.expires) {
    tell("expired", "the bundle that is enforced ended at " + end);
    tell("freeze", "no newer bundle came before the one that is enforced ended at " + end);
  } else if (now >= stale) {
    tell("stale", "no newer bundle yet; the one that is enforced ends at " + end);
  }
}

}  // namespace sluice
