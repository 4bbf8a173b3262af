#include "rules/guard/guard_run.h"

#include <algorithm>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "rules/guard/address_shape.h"
#include "rules/guard/pattern_guards.h"
#include "rules/model/order_check.h"
#include "rules/text/public_suffix.h"

namespace sluice {
namespace {

constexpr UnixSeconds kMaxPlatformSeconds = 30 * 86400;
constexpr unsigned kPlatformSignatures = 2;

const std::string* why_overridden(const Order& order, std::string_view guard) {
  const auto found = std::ranges::find(order.overrides, guard, &Override::guard);
  return found == order.overrides.end() ? nullptr : &found->why;
}

/// What of an order must outlast the reading of its targets.
struct OrderFacts {
  std::string id;
  std::optional<std::string> g6_why;
  std::size_t refusals = 0;
};

/// A name target of a block, as far as appeal pages are concerned that only a later order may name.
struct SeenTarget {
  std::uint64_t hash;
  std::uint32_t order, target;
};

std::uint64_t seen_hash(std::string_view name, Scope scope) {
  return std::hash<std::string_view>()(name) ^ static_cast<std::uint64_t>(scope);
}

}  // namespace

struct GuardRun::State {
  State(const Guard& g, const GuardOptions& o) : guard(g), options(o), patterns(g) {}

  const Guard& guard;
  GuardOptions options;
  Order current;
  std::vector<OrderFacts> orders;
  std::size_t targets = 0;  ///< of the current order
  std::vector<SeenTarget> seen;
  std::set<std::string> appeal_hosts;
  PatternGuards patterns;
  std::vector<std::pair<std::size_t, GuardOverride>> overrides;  ///< with the index of their order
  GuardReport report;

  void refuse(std::size_t order, std::size_t target, std::string code, std::string text, std::string detail,
              std::string instead) {
    OrderFacts& facts = orders[order];
    report.refused.insert(facts.id);
    if (++facts.refusals > options.refusals_per_order) return;
    report.refusals.push_back(
        {std::move(code), facts.id, std::move(text), std::move(detail), std::move(instead), order, target});
  }
  void refuse_name(std::string code, const Name& name, std::string detail, std::string instead) {
    refuse(orders.size() - 1, targets, std::move(code), name.text(), std::move(detail), std::move(instead));
  }

  void begin_order(const Order& order) {
    current = order;
    targets = 0;
    const std::string* const g6 = why_overridden(order, "G6");
    orders.push_back({order.id, g6 != nullptr ? std::optional(*g6) : std::nullopt, 0});
    if (std::string host = host_of_url(order.appeal_url); !host.empty()) appeal_hosts.insert(std::move(host));
    for (const OrderProblem& problem : check_order(order)) {
      refuse(orders.size() - 1, kNoTarget, "G8", "", std::string(problem.field) + ": " + problem.what,
             "correct the field");
    }
    if (options.now && order.expires <= *options.now && order.expires > 0) {
      refuse(orders.size() - 1, kNoTarget, "G8", "", "expires: lies in the past",
             "leave the order out, or renew it under a new id (renews)");
    }
  }

  /// One refusal a target is enough: the hardest comes first.
  void judge(const NameTarget& target) {
    const std::string& name = target.name.text();
    const auto order = static_cast<std::uint32_t>(orders.size() - 1);
    seen.push_back({seen_hash(name, target.scope), order, static_cast<std::uint32_t>(targets)});
    const Known known = look_up(target);
    if (options.blast && known.itself != nullptr) note_blast(target, *known.itself);

    const bool above = known.itself != nullptr && known.itself->above_public_suffix;
    if (above || (known.may_be_suffix && is_public_suffix(name))) {
      return refuse_name("G1", target.name, above ? "above a public suffix" : "a public suffix",
                         "order each name below it that the decision names: unrelated parties hold them");
    }
    if (known.protected_by != 0) {
      return refuse_name("G2", target.name, "would block " + guard.protected_text(known.protected_by),
                         "take the name out: no order can override this guard");
    }
    if (std::string shape = address_shape(name); !shape.empty()) {
      return refuse_name("G4", target.name, std::move(shape),
                         "order the names that the decision names; an address needs a routing instrument");
    }
    if (known.listed) judge_listed(target, known.itself);
  }

  /// What one walk through the index tells of a target.
  struct Known {
    const NameFacts* itself = nullptr;
    std::uint32_t protected_by = 0;
    bool may_be_suffix = false;  ///< worth asking libpsl
    bool listed = false;         ///< it is, is below or covers a popular name or platform, public suffixes aside
  };

  Known look_up(const NameTarget& target) const {
    const std::string& name = target.name.text();
    const std::size_t first_dot = name.find('.');
    Known known;
    // A public suffix hangs on one that is listed, or is a top-level label.
    known.may_be_suffix = first_dot == std::string::npos;
    guard.index().each_suffix(name, [&](const NameFacts& facts) {
      const bool itself = facts.name.size() == name.size();
      if (itself) known.itself = &facts;
      known.may_be_suffix |= facts.name.size() + first_dot + 1 == name.size();
      known.listed |= facts.popular || facts.platform;
      if (facts.protected_by == 0) return;
      if (itself || guard.lists().protected_names[facts.protected_by - 1].scope == Scope::Subtree) {
        known.protected_by = facts.protected_by;
      }
    });
    if (known.itself != nullptr && target.scope == Scope::Subtree) {
      if (known.protected_by == 0) known.protected_by = known.itself->protected_below;
      known.listed |= known.itself->platforms + known.itself->popular_names != 0;
    }
    return known;
  }

  /// Guard G5.
  void judge_listed(const NameTarget& target, const NameFacts* itself) {
    const ListedAncestor found = listed_ancestor(guard, target.name.text());
    const bool covers = target.scope == Scope::Subtree && itself != nullptr;
    const bool covers_platform = covers && itself->platforms != 0;
    if (found.facts == nullptr && !covers_platform && !(covers && itself->popular_names != 0)) return;
    const bool platform = covers_platform || (found.whole && found.facts->platform);
    const std::string kind =
        platform || (found.facts != nullptr && found.facts->platform) ? "a shared platform" : "popular";
    const std::string what = found.facts == nullptr ? "above a name that is " + kind
                             : found.whole          ? kind
                                                    : "below " + found.facts->name + ", " + kind;
    const std::string* const why = why_overridden(current, "G5");
    if (why == nullptr) {
      return refuse_name(
          "G5", target.name, what,
          "ask the platform to remove the account or page (sluicectl referrals); where the decision names "
          "this very name: overrides: [{guard: G5, why: …}]");
    }
    if (platform && current.expires - current.effective > kMaxPlatformSeconds) {
      return refuse_name("G5", target.name, "a whole platform for more than 30 days",
                         "let the order end within 30 days");
    }
    if (platform && current.publication != PublicationKind::Full) {
      return refuse_name("G5", target.name, "a whole platform without full publication", "publication: full");
    }
    overrides.push_back({orders.size() - 1, {"G5", current.id, target.name.text(), *why, platform}});
  }

  void note_blast(const NameTarget& target, const NameFacts& facts) {
    if (target.scope != Scope::Subtree || facts.platforms + facts.popular_names + facts.ordinary_names == 0) return;
    Blast blast{std::uint64_t{facts.platforms} + facts.popular_names, facts.ordinary_names, {}};
    for (const auto* list : {&guard.lists().platforms, &guard.lists().popular, &guard.lists().ordinary}) {
      for (const std::string& name : *list) {
        if (blast.examples.size() == kBlastExamples) break;
        if (is_same_or_below(name, target.name.text())) blast.examples.push_back(name);
      }
    }
    report.blast.push_back({current.id, target.name.text(), false, std::move(blast), orders.size() - 1, targets});
  }

  /// Guard G2 for the appeal pages of this very bundle: whoever orders, the way to complain stays open.
  void judge_appeal_pages() {
    std::unordered_map<std::uint64_t, std::pair<std::string, std::string>> wanted;  // hash → target, page
    for (const std::string& host : appeal_hosts) {
      wanted.insert({seen_hash(host, Scope::Exact), {host, host}});
      for (std::string_view suffix = host;;) {
        wanted.insert({seen_hash(suffix, Scope::Subtree), {std::string(suffix), host}});
        const std::size_t dot = suffix.find('.');
        if (dot == std::string_view::npos) break;
        suffix.remove_prefix(dot + 1);
      }
    }
    for (const SeenTarget& target : seen) {
      const auto found = wanted.find(target.hash);
      if (found == wanted.end()) continue;
      const auto& [name, host] = found->second;
      refuse(target.order, target.target, "G2", name, "would block " + host + ", where people appeal",
             "take the name out: no order can override this guard");
    }
  }

  void judge_patterns() {
    for (PatternVerdict& verdict : patterns.judge(appeal_hosts)) {
      const OrderFacts& facts = orders[verdict.order];
      if (options.blast) {
        report.blast.push_back(
            {facts.id, verdict.pattern, true, std::move(verdict.blast), verdict.order, verdict.target});
      }
      for (PatternFinding& finding : verdict.findings) {
        const std::optional<std::string>& why = finding.code == "G6" ? facts.g6_why : std::nullopt;
        if (why) {
          overrides.push_back({verdict.order, {"G6", facts.id, verdict.pattern, *why, false}});
        } else {
          refuse(verdict.order, verdict.target, std::move(finding.code), verdict.pattern, std::move(finding.detail),
                 std::move(finding.instead));
        }
      }
    }
  }

  void settle_overrides(std::optional<unsigned> independent_signatures) {
    for (auto& [order, override] : overrides) {
      if (override.wants_second_signature &&
          independent_signatures.value_or(kPlatformSignatures) < kPlatformSignatures) {
        refuse(order, kNoTarget, "G5", override.target, "a whole platform, signed by one independent party",
               "have a second independent party of the root sign the bundle");
      }
    }
    for (auto& [order, override] : overrides) {
      if (!report.refused.contains(override.order)) report.overrides.push_back(std::move(override));
    }
  }
};

GuardRun::GuardRun(const Guard& guard, const GuardOptions& options) : state_(std::make_unique<State>(guard, options)) {}
GuardRun::~GuardRun() = default;
GuardRun::GuardRun(GuardRun&&) noexcept = default;
GuardRun& GuardRun::operator=(GuardRun&&) noexcept = default;

void GuardRun::order(const Order& order) {
  state_->begin_order(order);
}

void GuardRun::target(const Target& target) {
  State& state = *state_;
  if (state.current.action == OrderAction::Block) {
    if (const auto* named = std::get_if<NameTarget>(&target)) {
      state.judge(*named);
    } else {
      const bool g5 = why_overridden(state.current, "G5") != nullptr;
      state.patterns.add(state.orders.size() - 1, state.targets, std::get<PatternTarget>(target).pattern, g5);
    }
  }
  ++state.targets;
}

GuardReport GuardRun::finish(std::optional<unsigned> independent_signatures) {
  state_->judge_appeal_pages();
  state_->judge_patterns();
  state_->settle_overrides(independent_signatures);
  return std::move(state_->report);
}

GuardReport run_guards(const Guard& guard, std::span<const OrderWithTargets> orders,
                       std::optional<unsigned> independent_signatures, const GuardOptions& options) {
  GuardRun run(guard, options);
  for (const OrderWithTargets& order : orders) {
    run.order(order.order);
    for (const Target& target : order.targets) run.target(target);
  }
  return run.finish(independent_signatures);
}

}  // namespace sluice
