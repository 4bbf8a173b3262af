// The matcher against rules/model/decide(), over random rules and names. Small alphabets, so that names collide,
// nest and repeat. SLUICE_SEED=n in the environment repeats a round.
#include <catch2/catch.hpp>

#include <regex.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>

#include "dataplane/match/matcher.h"
#include "rules/image/build.h"
#include "tests/support/feeds.h"

using namespace sluice;
using namespace sluice::test;

namespace {

/// POSIX extended expressions: an engine that shares nothing with Hyperscan.
bool posix_matches(const std::string& pattern, std::string_view text) {
  struct Compiled {
    explicit Compiled(const std::string& source) {
      if (regcomp(&regex, ("^(" + source + ")$").c_str(), REG_EXTENDED | REG_NOSUB) != 0) std::abort();
    }
    ~Compiled() { regfree(&regex); }
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;
    regex_t regex;
  };
  static std::map<std::string, Compiled> cache;
  const Compiled& compiled = cache.try_emplace(pattern, pattern).first->second;
  return regexec(&compiled.regex, std::string(text).c_str(), 0, nullptr, 0) == 0;
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }

  std::string label() {
    static const std::string long_label(40, 'l');
    switch (below(8)) {
      case 0: return "b";
      case 1: return "ab";
      case 2: return "x-1_";
      case 3: return long_label;
      case 4: return std::string(1 + below(20), 'q');
      default: return "a";
    }
  }
  std::string name() {
    std::string out = label();
    for (std::size_t n = below(one_in(10) ? 8 : 4); n > 0; --n) out += "." + label();
    return out.size() > kMaxNameBytes ? "a.b" : out;
  }
  std::string expression() {
    static const std::array<std::string, 6> all{"a[ab]?\\.b", "[a-z]+\\.ab",       "(a|b|ab)\\.(a|b)",
                                                "a|b\\.b",    "q{3,9}\\.[a-z.]*b", "[^.]*\\.a\\.b"};
    return all[below(all.size())];
  }
  OrderWithTargets order(std::size_t i) {
    OrderWithTargets out =
        test::order("ID-" + std::to_string(i), one_in(4) ? OrderAction::Allow : OrderAction::Block, {});
    if (one_in(3)) out.order.methods = static_cast<MethodSet>(1 + below(15));
    if (one_in(3)) out.order.qtypes = QtypeSet::Web;
    if (one_in(5)) out.order.effective = static_cast<UnixSeconds>(below(10));
    if (one_in(5)) out.order.expires = static_cast<UnixSeconds>(below(10));
    for (std::size_t n = below(12); n > 0; --n) {
      out.targets.push_back(one_in(8) ? pattern(expression()) : one_in(2) ? exact(name()) : subtree(name()));
    }
    return out;
  }
  Feed feed(std::size_t i) {
    const auto priority = static_cast<std::uint8_t>(below(3));
    Feed out = test::feed("feed" + std::to_string(i), {priority, one_in(2)}, {});
    for (std::size_t n = below(5); n > 0; --n) {
      out.snapshot.orders.insert(out.snapshot.orders.begin(), order(n));
      if (one_in(8)) out.refused.insert("ID-" + std::to_string(n));
    }
    add_shadows(out);
    return out;
  }

 private:
  /// Some orders in shadow, some of those with a part that is enforced beside it.
  void add_shadows(Feed& feed) {
    auto& orders = feed.snapshot.orders;
    for (std::size_t n = orders.size(); n-- > 0;) {
      if (!one_in(4)) continue;
      feed.shadow.insert(n);
      if (orders[n].order.action == OrderAction::Allow || !one_in(2)) continue;
      OrderWithTargets enforced = orders[n];
      std::erase_if(enforced.targets, [this](const Target&) { return one_in(2); });
      orders.push_back(std::move(enforced));
    }
  }

  std::mt19937_64 random_;
};

std::string said(const std::vector<Feed>& feeds, const std::optional<Blocked>& blocked) {
  if (!blocked) return "none";
  const Feed& feed = feeds[blocked->feed];
  const OrderWithTargets& order = feed.snapshot.orders[blocked->order];
  const Target& target = order.targets[blocked->target];
  std::string text = feed.snapshot.header.feed + " " + order.order.id + " ";
  if (const auto* pattern = std::get_if<PatternTarget>(&target)) return text + "pattern " + pattern->pattern;
  const auto& named = std::get<NameTarget>(target);
  return text + (named.scope == Scope::Exact ? "exact " : "subtree ") + named.name.text();
}

std::string said(const RuleSet& rules, const Decision& decision, std::string_view name) {
  if (decision.order == kNoOrder) return "none";
  const ImageOrder& order = rules.orders()[decision.order];
  const char* const kind = decision.target.pattern                 ? "pattern "
                           : decision.target.scope == Scope::Exact ? "exact "
                                                                   : "subtree ";
  return std::string(rules.feeds()[order.feed].name) + " " + std::string(order.id) + " " + kind +
         std::string(rules.target_text(decision, name));
}

struct Told {
  std::size_t blocked = 0, in_shadow = 0;
};

Told compare_round(std::uint64_t seed, MatchEngine engine) {
  Dice dice(seed);
  std::vector<Feed> feeds;
  for (std::size_t n = 1 + dice.below(3); n > 0; --n) feeds.push_back(dice.feed(n));
  BuildOptions options{engine, std::vector<Sha256>(feeds.size())};
  options.snapshot_sha256[0][0] = static_cast<std::uint8_t>(seed);
  const KeyPair keys = key_pair();
  const auto image = build_image(feeds, options, keys.secret);
  REQUIRE(image.has_value());
  const auto rules = RuleSet::open(*image, keys.open, 1);
  REQUIRE(rules.has_value());

  std::vector<WireName> names(RuleSet::kBatch);
  std::vector<Lookup> in;
  for (WireName& name : names) {
    assign(name, dice.name());
    in.push_back(
        {&name, static_cast<Method>(dice.below(kMethodCount)), static_cast<std::uint16_t>(dice.one_in(2) ? 1 : 16)});
  }
  std::vector<Decision> out(in.size());
  const auto now = static_cast<UnixSeconds>(dice.below(10));
  (*rules)->lookup(in, out, now, 0);
  Told told;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const Question question{names[i].text(), in[i].method, in[i].qtype, now};
    const auto blocked = decide(feeds, question, posix_matches);
    const auto expected = blocked ? blocked : decide_shadow(feeds, question, posix_matches);
    INFO("SLUICE_SEED=" << seed << " name " << names[i].text());
    REQUIRE(said(**rules, out[i], names[i].text()) == said(feeds, expected));
    REQUIRE(out[i].blocked() == blocked.has_value());
    told.blocked += out[i].blocked() ? 1 : 0;
    told.in_shadow += out[i].in_shadow() ? 1 : 0;
  }
  return told;
}

void compare(MatchEngine engine, std::uint64_t rounds) {
  std::uint64_t first = 1;
  if (const char* seed = std::getenv("SLUICE_SEED")) {
    first = std::strtoull(seed, nullptr, 10);
    rounds = 1;
  }
  Told told;
  for (std::uint64_t seed = first; seed < first + rounds; ++seed) {
    const Told round = compare_round(seed, engine);
    told.blocked += round.blocked;
    told.in_shadow += round.in_shadow;
  }
  // Rules that never block, or are never in shadow, would prove nothing.
  CHECK(told.blocked > rounds * RuleSet::kBatch / 50);
  CHECK(told.in_shadow > rounds * RuleSet::kBatch / 500);
}

}  // namespace

TEST_CASE("match: the names table says what decide() says") {
  compare(MatchEngine::Table, 2000);
}
TEST_CASE("match: the Hyperscan engine says what decide() says") {
  compare(MatchEngine::Hyperscan, 80);
}
