#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/store/store.h"
#include "rules/model/order.h"
#include "rules/model/root.h"
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
  std::string sha256;
  std::vector<OrderView> orders;
  std::vector<std::string> signers;  ///< who signed, as the root names them: "Court registry (independent)"
  bool unchanged = false;            ///< the very snapshot that stands
};

/// Why a bundle does not count.
struct Refusal {
  std::string code;  ///< as listed in docs/interfaces.md
  std::string feed;  ///< empty where it could not be told
  std::string detail;
  bool may_complete = false;  ///< not for good: signatures may still come, or our own trouble may pass
};

/// The snapshot that stands for a feed. May throw where that cannot be told: then the bundle is
/// `unreadable`, but not for good.
using Standing = std::function<std::optional<FeedState>(const std::string& feed)>;

/// Judges one bundle: its feed is configured, signatures meet the feed's root, the text is what the contract says and
/// within the limits, it has not expired at `now`, and it is newer than what stands (rollback, equivocation: feed.md
/// 2). Roots are read afresh each time. One pass over one open file, in memory bounded by the orders.
[[nodiscard]] Result<Examined, Refusal> examine(const BundleFiles& files, const Config& config, UnixSeconds now,
                                                const Standing& standing,
                                                WhenExpired when_expired = WhenExpired::Refuse);

/// The whole of the bundle that stands for a feed, checked again: for exports.
[[nodiscard]] Result<Snapshot, Refusal> read_standing(const BundleFiles& files, const FeedConfig& feed,
                                                      const BundleLimits& limits, UnixSeconds now);

}  // namespace sluice
