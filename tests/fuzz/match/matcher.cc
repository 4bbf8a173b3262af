// Bytes → a few feeds of name rules and some names to ask for: the matcher must say what decide() says. Every byte is a
// small choice, so that the fuzzer can steer: names are made of few labels and nest in one another.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "dataplane/match/matcher.h"
#include "rules/image/build.h"
#include "tests/support/feeds.h"

using namespace sluice;

namespace {

class Choices {
 public:
  explicit Choices(Bytes bytes) : bytes_(bytes) {}
  [[nodiscard]] bool left() const { return !bytes_.empty(); }
  std::size_t below(std::size_t n) {
    if (bytes_.empty()) return 0;
    const std::size_t value = bytes_.front() % n;
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::string name() {
    std::string out = label();
    for (std::size_t n = below(6); n > 0; --n) out += "." + label();
    return out.size() <= kMaxNameBytes ? out : "a";
  }

 private:
  std::string label() {
    const std::size_t n = below(64);
    return n < 32 ? std::string(1, static_cast<char>('a' + n % 4)) : std::string(n, 'l');
  }
  Bytes bytes_;
};

OrderWithTargets make_order(Choices& choices, std::size_t number) {
  OrderWithTargets out =
      test::order("ID-" + std::to_string(number), choices.below(3) == 0 ? OrderAction::Allow : OrderAction::Block, {});
  out.order.methods = static_cast<MethodSet>(15 - choices.below(15));
  out.order.qtypes = choices.below(2) == 0 ? QtypeSet::All : QtypeSet::Web;
  out.order.effective = static_cast<UnixSeconds>(choices.below(4));
  for (std::size_t n = choices.below(6); n > 0; --n) {
    out.targets.push_back(choices.below(2) == 0 ? test::exact(choices.name()) : test::subtree(choices.name()));
  }
  return out;
}

/// Some orders in shadow, some of those with a part that is enforced beside it.
void add_shadows(Feed& feed, Choices& choices) {
  auto& orders = feed.snapshot.orders;
  for (std::size_t o = orders.size(); o-- > 0;) {
    const std::size_t choice = choices.below(8);
    if (choice < 6) continue;
    feed.shadow.insert(o);
    if (choice < 7 || orders[o].order.action == OrderAction::Allow) continue;
    OrderWithTargets enforced = orders[o];
    enforced.targets.resize(enforced.targets.size() / 2, test::exact("a"));
    orders.push_back(std::move(enforced));
  }
}

std::vector<Feed> make_feeds(Choices& choices) {
  std::vector<Feed> feeds;
  for (std::size_t f = 1 + choices.below(3); f > 0; --f) {
    const FeedPolicy policy{static_cast<std::uint8_t>(choices.below(3)), choices.below(2) == 0};
    feeds.push_back(test::feed("feed" + std::to_string(f), policy, {}));
    for (std::size_t o = choices.below(4); o > 0; --o) feeds.back().snapshot.orders.push_back(make_order(choices, o));
    add_shadows(feeds.back(), choices);
  }
  return feeds;
}

void check(const RuleSet& rules, const std::vector<Feed>& feeds, Choices& choices) {
  WireName name;
  test::assign(name, choices.name());
  const Lookup lookup{&name, static_cast<Method>(choices.below(kMethodCount)),
                      static_cast<std::uint16_t>(1 + choices.below(16))};
  const auto now = static_cast<UnixSeconds>(choices.below(4));
  Decision decision;
  rules.lookup({&lookup, 1}, {&decision, 1}, now, 0);
  const Question question{name.text(), lookup.method, lookup.qtype, now};
  const auto no_patterns = [](const auto&, auto) { return false; };
  const auto blocked = decide(feeds, question, no_patterns);
  const auto expected = blocked ? blocked : decide_shadow(feeds, question, no_patterns);
  if (decision.blocked() != blocked.has_value() || decision.in_shadow() != (!blocked && expected)) std::abort();
  if (!expected) return;
  const Feed& feed = feeds[expected->feed];
  const OrderWithTargets& order = feed.snapshot.orders[expected->order];
  const auto& target = std::get<NameTarget>(order.targets[expected->target]);
  const ImageOrder& reported = rules.orders()[decision.order];
  if (reported.id != order.order.id || rules.feeds()[reported.feed].name != feed.snapshot.header.feed ||
      decision.target.scope != target.scope || rules.target_text(decision, name.text()) != target.name.text()) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const test::KeyPair keys = test::key_pair();
  Choices choices({data, size});
  const std::vector<Feed> feeds = make_feeds(choices);
  const auto image = build_image(feeds, {}, keys.secret);
  if (!image.has_value()) std::abort();
  const auto rules = RuleSet::open(*image, keys.open, 1);
  if (!rules.has_value()) std::abort();
  for (int n = 0; n < 64 && choices.left(); ++n) check(**rules, feeds, choices);
  return 0;
}
