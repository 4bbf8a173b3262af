#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/store/store.h"
#include "rules/guard/guard_run.h"
#include "rules/model/order.h"
#include "rules/model/root.h"
#include "rules/sign/root_chain.h"
#include "rules/sign/trust.h"
#include "rules/text/config.h"

namespace sluice {

/// An order as status and `orders` show it; its targets are counted only, and live in the image.
struct OrderView {
  Order order;
  std::uint64_t targets = 0;
};

/// A bundle that counts.
struct Examined {
  SnapshotHeader header;
  std::string sha256;                  ///< of the snapshot
  std::optional<std::string> applied;  ///< a delta arrived: the snapshot that results
  std::vector<OrderView> orders;
  std::vector<std::string> signers;  ///< who signed, as the root names them: "Court registry (independent)"
  GuardReport guarded;               ///< what the guards refuse of it, and what of them the orders override
  bool unchanged = false;            ///< the very snapshot that stands
};

/// Why a bundle does not count.
struct Refusal {
  std::string code;  ///< as listed in docs/interfaces.md
  std::string feed;  ///< empty where it could not be told
  std::string detail;
  bool may_complete = false;  ///< not for good: signatures may still come, or our own trouble may pass
};

/// What sluiced remembers of its feeds.
struct Memory {
  /// The snapshot that stands for a feed. May throw where that cannot be told: then the bundle is `unreadable`, but not
  /// for good.
  std::function<std::optional<FeedState>(const std::string& feed)> standing;
  std::function<std::filesystem::path(const std::string& feed)> roots;  ///< folder of the roots that followed
  std::function<std::filesystem::path(const FeedState&)> snapshot;      ///< file of what stands: the base of a delta
};

/// Judges one bundle that arrived, snapshot or delta: its feed is configured, signatures meet the feed's current root
/// (what stands already: the root that it was accepted under), the text is what the contract says and within the
/// limits, it has not expired at `now`, and it is newer than what stands (rollback, equivocation: feed.md 2). A delta
/// must build on what stands, and is applied. Roots are read afresh each time. Nothing of a file is parsed before its
/// signatures are verified; the feed is the one that they claim.
[[nodiscard]] Result<Examined, Refusal> examine(const BundleFiles& files, const Config& config, UnixSeconds now,
                                                const Memory& memory, const Guard& guard);

/// The bundle that stands for a feed, checked again, even when it has expired since. `unreadable` where it is not the
/// one that was accepted.
[[nodiscard]] Result<Examined, Refusal> examine_standing(const FeedState& state, const BundleFiles& files,
                                                         const Config& config, UnixSeconds now, const Memory& memory,
                                                         const Guard& guard);

/// The whole of it: for exports.
[[nodiscard]] Result<Snapshot, Refusal> read_standing(const FeedState& state, const BundleFiles& files,
                                                      const Config& config, UnixSeconds now, const Memory& memory);

/// A root that may follow the current one of the feed that its signatures claim.
struct ExaminedRoot {
  Root root;
  bool unchanged = false;
};
[[nodiscard]] Result<ExaminedRoot, Refusal> examine_root(const BundleFiles& files, const Config& config,
                                                         const Memory& memory);

/// The roots of a configured feed.
[[nodiscard]] Result<RootChain, Refusal> roots_of(const FeedConfig& feed, const Memory& memory);

}  // namespace sluice
