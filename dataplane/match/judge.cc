#include "dataplane/match/judge.h"

#include <algorithm>
#include <tuple>

namespace sluice {
namespace {

bool speaks(const OrderRecord& order, const Lookup& lookup, UnixSeconds now) noexcept {
  return order.effective <= now && now < order.expires && (order.methods & bit(lookup.method)) != 0 &&
         (lookup.method != Method::Dns || names_qtype(static_cast<QtypeSet>(order.qtypes), lookup.qtype));
}

/// Calls each(order, ref, match) for every order that speaks of the name.
template <class Each>
void for_each_speaking(const ImageView& image, std::span<const Match> matches, std::size_t name_bytes,
                       const Lookup& lookup, UnixSeconds now, Each&& each) noexcept {
  for (const Match& match : matches) {
    for (const RefRecord& ref : image.refs(match.refs)) {
      const bool below = match.length != 0 && match.length != name_bytes;
      if (below && static_cast<Scope>(ref.scope) == Scope::Exact) continue;
      const OrderRecord& order = image.orders()[ref.order];
      if (speaks(order, lookup, now)) each(order, ref, match);
    }
  }
}

/// Of two targets that block, the smaller one is reported: what is in shadow hides nothing that is enforced. Feeds and
/// orders are indexed from the highest and by id.
struct Rank {
  std::uint32_t shadow, feed, width, order, target;
  friend auto operator<=>(const Rank&, const Rank&) = default;
};
Rank rank_of(const OrderRecord& order, const RefRecord& ref, const Match& match) noexcept {
  const bool pattern = match.length == 0;
  const bool exact = !pattern && static_cast<Scope>(ref.scope) == Scope::Exact;
  constexpr std::uint32_t kWidest = kMaxNameBytes + 1;
  const std::uint32_t width = exact ? 0 : pattern ? kWidest + 1 : kWidest - match.length;
  return {order.shadow, order.feed, width, ref.order, ref.target};
}

}  // namespace

Decision judge(const ImageView& image, std::span<const Match> matches, std::size_t name_bytes, const Lookup& lookup,
               UnixSeconds now) noexcept {
  std::uint64_t allowing = 0;  // bit: index of a feed
  std::uint32_t highest_allowing = kMaxFeeds;
  for_each_speaking(image, matches, name_bytes, lookup, now,
                    [&](const OrderRecord& order, const RefRecord&, const Match&) {
                      if (static_cast<OrderAction>(order.action) != OrderAction::Allow) return;
                      allowing |= 1ULL << order.feed;
                      highest_allowing = std::min(highest_allowing, order.feed);
                    });

  Decision best;
  Rank best_rank{};
  for_each_speaking(image, matches, name_bytes, lookup, now,
                    [&](const OrderRecord& order, const RefRecord& ref, const Match& match) {
                      if ((allowing >> order.feed & 1) != 0) return;
                      const bool external = image.feeds()[order.feed].external != 0;
                      if (!external && highest_allowing < order.feed) return;
                      const Rank rank = rank_of(order, ref, match);
                      if (best.order != kNoOrder && best_rank <= rank) return;
                      best_rank = rank;
                      best.order = ref.order;
                      best.shadow = order.shadow != 0;
                      best.target = {ref.order, match.length, static_cast<Scope>(ref.scope), match.length == 0};
                      best.pattern = match.pattern;
                    });
  return best;
}

}  // namespace sluice
