#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "rules/model/order.h"

namespace sluice {

/// One feed as enforced: its snapshot, how the gateway treats it, and the orders the operator refuses.
struct Feed {
  Snapshot snapshot;
  FeedPolicy policy;
  std::set<std::string> refused;  ///< order ids under a logged `refuse`
  /// Positions in snapshot.orders of blocks that are watched but not enforced. An order in shadow may stand there once
  /// more under its id: what is enforced of it meanwhile. An allow is never in shadow.
  std::set<std::size_t> shadow{};
};

struct Question {
  std::string_view name;  ///< canonical
  Method method = Method::Dns;
  std::uint16_t qtype = 1;  ///< read for Method::Dns only
  UnixSeconds now = 0;
};

/// Which order blocks, and by which target. Indices into the feeds given to decide().
struct Blocked {
  std::size_t feed = 0, order = 0, target = 0;
  friend bool operator==(const Blocked&, const Blocked&) = default;
};

/// True where the expression matches the whole name. The oracle takes it as an argument, so that it rests on
/// another engine than the data plane where a test wants that.
using PatternMatches = std::function<bool(const std::string& pattern, std::string_view name)>;

/// True where feed `a` stands over feed `b`: the greater priority, at equal priority the name that sorts
/// first by bytes. Names of feeds are distinct at a gateway, so this is a total order; the image keeps its
/// feeds in it.
[[nodiscard]] bool stands_over(const Feed& a, const Feed& b) noexcept;

/// The paragraph "Which order wins" of the feed contract, written for reading and not for speed: O(targets).
///
/// 1. An order speaks if the operator does not refuse it, it is in force at `now`, it names the method (for
///    Method::Dns also the qtype) and at least one of its targets matches: an exact name by equality, a
///    subtree by is_same_or_below(), a pattern by `pattern_matches`. This holds for `block` and `allow`
///    alike.
/// 2. A feed's answer is Allow if any of its allows speaks, however specific its blocks are; else Block if
/// any block
///    speaks; else none.
/// 3. Feeds are asked from the highest down, in the order of stands_over(). An Allow silences the Block of
/// every lower
///    feed that is not external. The Block of an external feed stands whatever any other feed says.
/// 4. A block in shadow does not speak here.
/// 5. The first Block that stands is the answer, reported under that feed's most specific target among its
/// blocks
///    that speak: an exact name before subtrees, of subtrees the longer before the shorter, names before
///    patterns; among equals (the same name and scope in several orders, or several patterns) the order whose
///    id sorts first by bytes, and within that order the target that stands first in the snapshot.
[[nodiscard]] std::optional<Blocked> decide(std::span<const Feed> feeds, const Question& question,
                                            const PatternMatches& pattern_matches);

/// Where decide() says nothing: the block in shadow that it would report were all of them enforced. Nothing where
/// decide() says something: what blocks anyway is no effect of a shadow.
[[nodiscard]] std::optional<Blocked> decide_shadow(std::span<const Feed> feeds, const Question& question,
                                                   const PatternMatches& pattern_matches);

}  // namespace sluice
