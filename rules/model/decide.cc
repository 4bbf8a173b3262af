#include "rules/model/decide.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <vector>

namespace sluice {
namespace {

enum class Answer : std::uint8_t { None, Allow, Block };

struct FeedAnswer {
  Answer answer = Answer::None;
  Blocked blocked;
};

/// Whether blocks in shadow speak as well.
enum class Shadows : std::uint8_t { Silent, Speak };

bool speaks_at_all(const Feed& feed, const Order& order, const Question& question) {
  return !feed.refused.contains(order.id) && order.in_force(question.now) &&
         (order.methods & bit(question.method)) != 0 &&
         (question.method != Method::Dns || names_qtype(order.qtypes, question.qtype));
}

bool matches(const Target& target, std::string_view name, const PatternMatches& pattern_matches) {
  if (const auto* pattern = std::get_if<PatternTarget>(&target)) return pattern_matches(pattern->pattern, name);
  const auto& named = std::get<NameTarget>(target);
  return named.scope == Scope::Exact ? name == named.name.text() : is_same_or_below(name, named.name.text());
}

/// Smaller is more specific; ties between orders are broken by id, and within an order by position.
std::tuple<int, std::size_t> width(const Target& target) {
  if (std::holds_alternative<PatternTarget>(target)) return {2, 0};
  const auto& named = std::get<NameTarget>(target);
  return {named.scope == Scope::Exact ? 0 : 1, kMaxNameBytes - named.name.text().size()};
}

bool more_specific(const Feed& feed, const Blocked& a, const Blocked& b) {
  const auto key = [&](const Blocked& blocked) {
    const OrderWithTargets& order = feed.snapshot.orders[blocked.order];
    return std::tuple(width(order.targets[blocked.target]), std::string_view(order.order.id), blocked.order,
                      blocked.target);
  };
  return key(a) < key(b);
}

FeedAnswer ask(const Feed& feed, std::size_t feed_index, const Question& question,
               const PatternMatches& pattern_matches, Shadows shadows) {
  FeedAnswer result;
  for (std::size_t o = 0; o < feed.snapshot.orders.size(); ++o) {
    const auto& [order, targets] = feed.snapshot.orders[o];
    if (!speaks_at_all(feed, order, question)) continue;
    if (shadows == Shadows::Silent && order.action == OrderAction::Block && feed.shadow.contains(o)) continue;
    for (std::size_t t = 0; t < targets.size(); ++t) {
      if (!matches(targets[t], question.name, pattern_matches)) continue;
      if (order.action == OrderAction::Allow) return {Answer::Allow, {}};
      const Blocked blocked{feed_index, o, t};
      if (result.answer == Answer::None || more_specific(feed, blocked, result.blocked)) {
        result = {Answer::Block, blocked};
      }
    }
  }
  return result;
}

std::optional<Blocked> decide_with(std::span<const Feed> feeds, const Question& question,
                                   const PatternMatches& pattern_matches, Shadows shadows) {
  std::vector<std::size_t> ranked(feeds.size());
  std::iota(ranked.begin(), ranked.end(), std::size_t{0});
  std::ranges::stable_sort(ranked, [&](std::size_t a, std::size_t b) { return stands_over(feeds[a], feeds[b]); });

  bool allowed_above = false;
  for (const std::size_t f : ranked) {
    const FeedAnswer said = ask(feeds[f], f, question, pattern_matches, shadows);
    if (said.answer == Answer::Allow) allowed_above = true;
    if (said.answer == Answer::Block && (feeds[f].policy.external || !allowed_above)) return said.blocked;
  }
  return std::nullopt;
}

}  // namespace

bool stands_over(const Feed& a, const Feed& b) noexcept {
  if (a.policy.priority != b.policy.priority) return a.policy.priority > b.policy.priority;
  return a.snapshot.header.feed < b.snapshot.header.feed;
}

std::optional<Blocked> decide(std::span<const Feed> feeds, const Question& question,
                              const PatternMatches& pattern_matches) {
  return decide_with(feeds, question, pattern_matches, Shadows::Silent);
}

std::optional<Blocked> decide_shadow(std::span<const Feed> feeds, const Question& question,
                                     const PatternMatches& pattern_matches) {
  if (decide(feeds, question, pattern_matches)) return std::nullopt;
  return decide_with(feeds, question, pattern_matches, Shadows::Speak);
}

}  // namespace sluice
