#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/delta/snapshot_text.h"
#include "rules/model/order.h"
#include "rules/text/bundle_jsonl.h"

namespace sluice {

/// What became of one order from one snapshot to the next. Views into the texts it was made from: lines of a snapshot
/// without their "\n", targets ascending by their bytes.
struct OrderChange {
  enum class Kind : std::uint8_t { Added, Changed, Revoked };
  Kind kind = Kind::Added;
  std::string_view id;
  std::string_view line;                  ///< the order line as it now is; empty where revoked
  std::vector<std::string_view> added;    ///< targets; all of them where the order is new
  std::vector<std::string_view> removed;  ///< targets; diff() gives all of them where the order is revoked
  bool fields_changed = false;            ///< diff(): more than targets of a changed order. Not told by read_delta()
  friend bool operator==(const OrderChange&, const OrderChange&) = default;
};
[[nodiscard]] std::string_view to_string(OrderChange::Kind kind) noexcept;  ///< "added", "changed", "revoked"

/// What turns `from` into `to`, ascending by id. The one diff of deltas, churn, the log and reports. Two snapshots of a
/// million targets take some hundredths of a second once they are read.
[[nodiscard]] std::vector<OrderChange> diff(const SnapshotText& from, const SnapshotText& to);

/// Sums over changes: orders by kind, targets added and removed (those of new and revoked orders among them).
struct ChangeCounts {
  std::uint64_t orders_added = 0, orders_changed = 0, orders_revoked = 0;
  std::uint64_t targets_added = 0, targets_removed = 0;
};
[[nodiscard]] ChangeCounts count(std::span<const OrderChange> changes) noexcept;

/// A delta as text (docs/interfaces.md, "Deltas"): the header line, then for each change, ascending by id, one of
///
///   {"revoke":"ID"}
///   {"add":{"order":…}}      and its targets
///   {"change":{"order":…}}   with the order line as it now is, then, ascending by target, what differs:
///   {"n":…,"s":…}            a target added
///   {"gone":{"n":…,"s":…}}   a target removed
///
/// so that it holds the very lines of the snapshot that results.
[[nodiscard]] std::string write_delta(const BundleHeader& header, std::span<const OrderChange> changes);

struct Delta {
  BundleHeader header;  ///< with `delta`
  std::vector<OrderChange> changes;
};
/// Reads a delta strictly, with line and column; every order and target is one that BundleReader would take, too.
/// Views into `text`. Errors as of BundleReader; TooLarge also where the snapshot that results would be.
[[nodiscard]] Result<Delta, BundleError> read_delta(std::string_view text, const BundleLimits& limits = {});

/// The snapshot that results from `base`: header, orders and targets in their canonical order. The error is a line for
/// people: the delta does not fit (an order to revoke or change that is not there, a target that is there already …).
/// Whether its hash is the one that was signed is the caller's to ask.
[[nodiscard]] Result<std::string, std::string> apply_delta(const SnapshotText& base, const Delta& delta);

}  // namespace sluice
