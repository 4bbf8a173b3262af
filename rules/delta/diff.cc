#include <algorithm>
#include <iterator>

#include "rules/delta/delta.h"

namespace sluice {
namespace {

OrderChange added(const OrderText& order) {
  return {OrderChange::Kind::Added, order.id, order.line, order.targets, {}, false};
}
OrderChange revoked(const OrderText& order) {
  return {OrderChange::Kind::Revoked, order.id, {}, {}, order.targets, false};
}

void compare(const OrderText& from, const OrderText& to, std::vector<OrderChange>& out) {
  if (from.whole == to.whole) return;
  OrderChange change{OrderChange::Kind::Changed, to.id, to.line, {}, {}, from.line != to.line};
  std::ranges::set_difference(to.targets, from.targets, std::back_inserter(change.added));
  std::ranges::set_difference(from.targets, to.targets, std::back_inserter(change.removed));
  if (change.fields_changed || !change.added.empty() || !change.removed.empty()) out.push_back(std::move(change));
}

}  // namespace

std::string_view to_string(OrderChange::Kind kind) noexcept {
  switch (kind) {
    case OrderChange::Kind::Added: return "added";
    case OrderChange::Kind::Changed: return "changed";
    case OrderChange::Kind::Revoked: return "revoked";
  }
  return "?";
}

std::vector<OrderChange> diff(const SnapshotText& from, const SnapshotText& to) {
  std::vector<OrderChange> out;
  auto old = from.orders().begin();
  for (const OrderText& order : to.orders()) {
    for (; old != from.orders().end() && old->id < order.id; ++old) out.push_back(revoked(*old));
    if (old != from.orders().end() && old->id == order.id) {
      compare(*old++, order, out);
    } else {
      out.push_back(added(order));
    }
  }
  for (; old != from.orders().end(); ++old) out.push_back(revoked(*old));
  return out;
}

ChangeCounts count(std::span<const OrderChange> changes) noexcept {
  ChangeCounts out;
  for (const OrderChange& change : changes) {
    switch (change.kind) {
      case OrderChange::Kind::Added: ++out.orders_added; break;
      case OrderChange::Kind::Changed: ++out.orders_changed; break;
      case OrderChange::Kind::Revoked: ++out.orders_revoked; break;
    }
    out.targets_added += change.added.size();
    out.targets_removed += change.removed.size();
  }
  return out;
}

}  // namespace sluice
