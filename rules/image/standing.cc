#include "rules/image/standing.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace sluice {
namespace {

constexpr unsigned scope_bit(Scope scope) noexcept {
  return 1U << static_cast<unsigned>(scope);
}

/// Names with their scopes, asked from the names below them.
using Names = std::unordered_map<std::string_view, unsigned>;

bool has(const Names& names, std::string_view name, Scope scope) {
  const auto at = names.find(name);
  return at != names.end() && (at->second & scope_bit(scope)) != 0;
}

/// True where a subtree among the names holds this name.
bool under_subtree(const Names& names, std::string_view name) {
  for (;;) {
    if (has(names, name, Scope::Subtree)) return true;
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return false;
    name.remove_prefix(dot + 1);
  }
}

bool covers(const Names& names, std::string_view name, Scope scope) {
  return under_subtree(names, name) || (scope == Scope::Exact && has(names, name, Scope::Exact));
}

Names names_of(const OrderWithTargets& order) {
  Names out;
  for (const Target& target : order.targets) {
    if (const auto* named = std::get_if<NameTarget>(&target)) out[named->name.text()] |= scope_bit(named->scope);
  }
  return out;
}

Target named(std::string_view name, Scope scope) {
  return NameTarget{*canonical_name(name), scope};
}

/// What was widened is in force as narrow as it was: the names that stood below subtrees of now.
void add_narrower(const Names& stood, const Names& now, OrderWithTargets& out) {
  const Names in_force = names_of(out);
  std::vector<std::string_view> below;
  for (const auto& [name, scopes] : stood) {
    if (under_subtree(now, name)) below.push_back(name);
  }
  std::ranges::sort(below);
  std::vector<Target> narrower;  // apart: the names of `in_force` lie in out.targets
  for (const std::string_view name : below) {
    for (const Scope scope : {Scope::Subtree, Scope::Exact}) {
      if (has(stood, name, scope) && !covers(in_force, name, scope)) narrower.push_back(named(name, scope));
    }
  }
  std::ranges::move(narrower, std::back_inserter(out.targets));
}

bool says_the_same(const Order& a, const Order& b) {
  return a.methods == b.methods && a.qtypes == b.qtypes && a.effective == b.effective;
}

/// The exceptions that stood go on: one that was taken back or narrowed would block what was not blocked.
void keep_allows(Feed& feed, std::vector<OrderWithTargets> allows) {
  auto& orders = feed.snapshot.orders;
  for (OrderWithTargets& stood : allows) {
    if (feed.refused.contains(stood.order.id)) continue;
    const auto now = std::ranges::find_if(orders, [&](const OrderWithTargets& order) {
      return order.order.id == stood.order.id && order.order.action == OrderAction::Allow;
    });
    if (now == orders.end()) {
      orders.push_back(std::move(stood));
      continue;
    }
    now->order.methods = static_cast<MethodSet>(now->order.methods | stood.order.methods);
    now->order.qtypes = std::max(now->order.qtypes, stood.order.qtypes);
    now->order.effective = std::min(now->order.effective, stood.order.effective);
    now->order.expires = std::max(now->order.expires, stood.order.expires);
    const Names names = names_of(*now);
    std::vector<Target> more;  // apart: the names of `names` lie in now->targets
    std::ranges::copy_if(stood.targets, std::back_inserter(more), [&](const Target& target) {
      const auto* name = std::get_if<NameTarget>(&target);
      if (name != nullptr) return !covers(names, name->name.text(), name->scope);
      return std::ranges::find(now->targets, target) == now->targets.end();
    });
    std::ranges::move(more, std::back_inserter(now->targets));
  }
}

}  // namespace

PriorRules::PriorRules(const ImageView& base, std::string_view feed) {
  for (std::uint32_t i = 0; i < base.orders().size(); ++i) {
    const OrderRecord& record = base.orders()[i];
    if (record.shadow == 0 && base.text(base.feeds()[record.feed].name) == feed) by_record_[i].record = &record;
  }
  add_names(base);
  add_patterns(base);
  for (const auto& [index, targets] : by_record_) {
    if (static_cast<OrderAction>(targets.record->action) == OrderAction::Block) {
      blocks_[base.text(targets.record->id)] = &targets;
    } else {
      allows_.push_back(whole(base, targets));
    }
  }
  std::ranges::sort(allows_, {}, [](const OrderWithTargets& order) { return std::string_view(order.order.id); });
}

void PriorRules::add(const RefRecord& ref, std::string_view text, bool pattern) {
  const auto at = by_record_.find(ref.order);
  if (at == by_record_.end()) return;
  if (pattern) {
    at->second.patterns.insert(text);
  } else {
    at->second.names[text] |= scope_bit(static_cast<Scope>(ref.scope));
  }
}

void PriorRules::add_names(const ImageView& base) {
  const std::uint8_t* at = base.records();
  for (std::uint64_t i = 0; base.engine() == MatchEngine::Table && i < base.header().names; ++i) {
    std::uint32_t head;
    std::memcpy(&head, at, sizeof head);
    const std::string_view text(reinterpret_cast<const char*>(at) + kRecordHead, head & 0xff);
    for (const RefRecord& ref : base.refs(head >> 8)) add(ref, text, false);
    at += record_bytes(text.size());
  }
}

void PriorRules::add_patterns(const ImageView& base) {
  for (const PatternRecord& record : base.patterns()) {
    const bool pattern = static_cast<PatternKind>(record.kind) == PatternKind::Pattern;
    for (const RefRecord& ref : base.refs(record.refs)) add(ref, base.text(record.text), pattern);
  }
}

OrderWithTargets PriorRules::whole(const ImageView& base, const Targets& of) {
  OrderWithTargets out;
  const OrderRecord& record = *of.record;
  out.order.id = base.text(record.id);
  out.order.number = base.text(record.number);
  out.order.authority = base.text(record.authority);
  out.order.law = base.text(record.law);
  out.order.reason["en"] = base.text(record.reason);
  out.order.appeal_url = base.text(record.appeal_url);
  out.order.action = static_cast<OrderAction>(record.action);
  out.order.methods = record.methods;
  out.order.qtypes = static_cast<QtypeSet>(record.qtypes);
  out.order.effective = record.effective;
  out.order.expires = record.expires;
  std::vector<std::string_view> patterns(of.patterns.begin(), of.patterns.end());
  std::ranges::sort(patterns);
  for (const std::string_view pattern : patterns) out.targets.push_back(PatternTarget{std::string(pattern)});
  std::vector<std::pair<std::string_view, unsigned>> names(of.names.begin(), of.names.end());
  std::ranges::sort(names);
  for (const auto& [name, scopes] : names) {
    for (const Scope scope : {Scope::Exact, Scope::Subtree}) {
      if ((scopes & scope_bit(scope)) != 0) out.targets.push_back(named(name, scope));
    }
  }
  return out;
}

std::vector<OrderWithTargets> PriorRules::allows() const {
  return allows_;
}

std::optional<OrderWithTargets> PriorRules::common(const OrderWithTargets& now) const {
  const auto at = blocks_.find(now.order.id);
  if (at == blocks_.end()) return std::nullopt;
  const Targets& stood = *at->second;
  OrderWithTargets out{now.order, {}};
  out.order.methods = static_cast<MethodSet>(now.order.methods & stood.record->methods);
  out.order.qtypes = std::min(now.order.qtypes, static_cast<QtypeSet>(stood.record->qtypes));
  out.order.effective = std::max(now.order.effective, stood.record->effective);
  for (const Target& target : now.targets) {
    const auto* name = std::get_if<NameTarget>(&target);
    if (name != nullptr ? covers(stood.names, name->name.text(), name->scope)
                        : stood.patterns.contains(std::get<PatternTarget>(target).pattern)) {
      out.targets.push_back(target);
    }
  }
  if (out.targets.size() < now.targets.size()) add_narrower(stood.names, names_of(now), out);
  if (out.order.methods == 0 || out.targets.empty()) return std::nullopt;
  return out;
}

void stage_feed(Feed& feed, const PriorRules& standing) {
  auto& orders = feed.snapshot.orders;
  const std::size_t count = orders.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (orders[i].order.action == OrderAction::Allow || feed.refused.contains(orders[i].order.id) ||
        feed.shadow.contains(i)) {
      continue;
    }
    std::optional<OrderWithTargets> common = standing.common(orders[i]);
    if (common && common->targets == orders[i].targets && says_the_same(common->order, orders[i].order)) continue;
    feed.shadow.insert(i);
    if (common) orders.push_back(*std::move(common));
  }
  keep_allows(feed, standing.allows());
}

}  // namespace sluice
