#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/decide.h"

namespace sluice {

/// The feeds in the order of stands_over().
[[nodiscard]] inline std::vector<const Feed*> by_rank(std::span<const Feed> feeds) {
  std::vector<const Feed*> ranked;
  for (const Feed& feed : feeds) ranked.push_back(&feed);
  std::ranges::sort(ranked, [](const Feed* a, const Feed* b) { return stands_over(*a, *b); });
  return ranked;
}

/// on_target(index of the feed, order, target) for each target that speaks in DNS at `now`: of orders that are not
/// refused, and of blocks that are not in shadow.
template <class OnTarget>
void each_dns_target(std::span<const Feed* const> ranked, UnixSeconds now, OnTarget&& on_target) {
  for (std::size_t f = 0; f < ranked.size(); ++f) {
    const auto& orders = ranked[f]->snapshot.orders;
    for (std::size_t o = 0; o < orders.size(); ++o) {
      const Order& order = orders[o].order;
      const bool in_shadow = order.action == OrderAction::Block && ranked[f]->shadow.contains(o);
      if (in_shadow || ranked[f]->refused.contains(order.id)) continue;
      if (!order.in_force(now) || (order.methods & bit(Method::Dns)) == 0) continue;
      for (const Target& target : orders[o].targets) on_target(f, order, target);
    }
  }
}

/// Text for a comment: nothing in it can end the line.
[[nodiscard]] inline std::string comment_text(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out;
}

}  // namespace sluice
