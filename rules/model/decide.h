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

/// True where the expression matches the whole name. The oracle takes it as an argument, so that it rests on another
/// engine than the data plane where a test wants that.
using PatternMatches = std::function<bool(const std::string& pattern, std::string_view name)>;

/// The paragraph "Which order wins" of the feed contract, written for reading and not for speed: O(targets).
/// Of several orders that block, the answer is reported under the highest feed's most specific one: an exact target
/// before a subtree, a longer name before a shorter, a name before a pattern, then the smaller order id.
[[nodiscard]] std::optional<Blocked> decide(std::span<const Feed> feeds, const Question& question,
                                            const PatternMatches& pattern_matches);

}  // namespace sluice
