#include "rules/model/decide.h"

#include <array>
#include <catch2/catch.hpp>
#include <vector>

using namespace sluice;

namespace {

constexpr UnixSeconds kNow = 1'000'000;

NameTarget named(std::string_view name, Scope scope) {
  return {*canonical_name(name), scope};
}

OrderWithTargets order(std::string id, OrderAction action, std::vector<Target> targets) {
  OrderWithTargets out;
  out.order.id = std::move(id);
  out.order.action = action;
  out.order.effective = kNow - 10;
  out.order.expires = kNow + 10;
  out.targets = std::move(targets);
  return out;
}

Feed feed(std::string name, std::uint8_t priority, bool external, std::vector<OrderWithTargets> orders) {
  Feed out;
  out.snapshot.header.feed = std::move(name);
  out.snapshot.orders = std::move(orders);
  out.policy = {priority, external};
  return out;
}

/// Patterns of these tests are plain suffixes.
bool ends_with(const std::string& pattern, std::string_view name) {
  return name.ends_with(pattern);
}

std::optional<Blocked> ask(const std::vector<Feed>& feeds, std::string_view name, Method method = Method::Dns,
                           std::uint16_t qtype = 1, UnixSeconds now = kNow) {
  return decide(feeds, {name, method, qtype, now}, ends_with);
}

constexpr auto kBlock = OrderAction::Block;
constexpr auto kAllow = OrderAction::Allow;

}  // namespace

TEST_CASE("decide: exact blocks the name alone, subtree also what is below") {
  const std::vector<Feed> feeds{feed("f", 0, true,
                                     {order("AAA", kBlock, {named("exact.test", Scope::Exact)}),
                                      order("BBB", kBlock, {named("tree.test", Scope::Subtree)})})};
  CHECK(ask(feeds, "exact.test") == Blocked{0, 0, 0});
  CHECK_FALSE(ask(feeds, "a.exact.test"));
  CHECK(ask(feeds, "tree.test") == Blocked{0, 1, 0});
  CHECK(ask(feeds, "a.b.tree.test") == Blocked{0, 1, 0});
  CHECK_FALSE(ask(feeds, "subtree.test"));
  CHECK_FALSE(ask(feeds, "test"));
}

TEST_CASE("decide: patterns are asked of the whole name") {
  const std::vector<Feed> feeds{feed("f", 0, true, {order("AAA", kBlock, {PatternTarget{"7.example.org"}})})};
  CHECK(ask(feeds, "mirror7.example.org") == Blocked{0, 0, 0});
  CHECK_FALSE(ask(feeds, "mirror8.example.org"));
}

TEST_CASE("decide: an order is in force from effective up to, not including, expires") {
  const std::vector<Feed> feeds{feed("f", 0, true, {order("AAA", kBlock, {named("a.test", Scope::Exact)})})};
  CHECK_FALSE(ask(feeds, "a.test", Method::Dns, 1, kNow - 11));
  CHECK(ask(feeds, "a.test", Method::Dns, 1, kNow - 10));
  CHECK(ask(feeds, "a.test", Method::Dns, 1, kNow + 9));
  CHECK_FALSE(ask(feeds, "a.test", Method::Dns, 1, kNow + 10));
}

TEST_CASE("decide: orders speak for the methods they name") {
  auto dns_only = order("AAA", kBlock, {named("a.test", Scope::Exact)});
  dns_only.order.methods = bit(Method::Dns);
  const std::vector<Feed> feeds{feed("f", 0, true, {dns_only})};
  CHECK(ask(feeds, "a.test", Method::Dns));
  CHECK_FALSE(ask(feeds, "a.test", Method::Sni));
  CHECK_FALSE(ask(feeds, "a.test", Method::Quic));
  CHECK_FALSE(ask(feeds, "a.test", Method::Http));
}

TEST_CASE("decide: qtypes are read for DNS only") {
  auto web = order("AAA", kBlock, {named("a.test", Scope::Exact)});
  auto all = order("BBB", kBlock, {named("b.test", Scope::Exact)});
  all.order.qtypes = QtypeSet::All;
  const std::vector<Feed> feeds{feed("f", 0, true, {web, all})};
  constexpr std::uint16_t kMx = 15;
  for (const std::uint16_t qtype : std::to_array<std::uint16_t>({1, 28, 64, 65, 255}))
    CHECK(ask(feeds, "a.test", Method::Dns, qtype));
  CHECK_FALSE(ask(feeds, "a.test", Method::Dns, kMx));
  CHECK(ask(feeds, "b.test", Method::Dns, kMx));
  CHECK(ask(feeds, "a.test", Method::Sni, kMx));
}

TEST_CASE("decide: an allow beats every block of its feed, however specific") {
  const std::vector<Feed> feeds{feed("f", 0, true,
                                     {order("AAA", kBlock, {named("a.tree.test", Scope::Exact)}),
                                      order("BBB", kAllow, {named("tree.test", Scope::Subtree)})})};
  CHECK_FALSE(ask(feeds, "a.tree.test"));
}

TEST_CASE("decide: an allow out of force, of another method or qtype is not there") {
  auto allow = order("BBB", kAllow, {named("a.test", Scope::Exact)});
  auto block = order("AAA", kBlock, {named("a.test", Scope::Exact)});
  block.order.qtypes = QtypeSet::All;
  const auto blocked_with = [&](const OrderWithTargets& with, Method method, std::uint16_t qtype) {
    return ask({feed("f", 0, true, {block, with})}, "a.test", method, qtype).has_value();
  };
  CHECK_FALSE(blocked_with(allow, Method::Dns, 1));
  CHECK(blocked_with(allow, Method::Dns, 16));
  allow.order.methods = bit(Method::Sni);
  CHECK(blocked_with(allow, Method::Dns, 1));
  CHECK_FALSE(blocked_with(allow, Method::Sni, 1));
  allow.order.expires = kNow;
  CHECK(blocked_with(allow, Method::Sni, 1));
}

TEST_CASE("decide: a higher feed's allow silences a lower feed that is the operator's own") {
  const auto high = feed("z", 9, true, {order("AAA", kAllow, {named("a.test", Scope::Exact)})});
  const auto low = feed("a", 1, false, {order("BBB", kBlock, {named("a.test", Scope::Exact)})});
  CHECK_FALSE(ask({high, low}, "a.test"));
  CHECK_FALSE(ask({low, high}, "a.test"));
}

TEST_CASE("decide: no allow of another feed undoes a block of an external feed") {
  const auto high = feed("z", 9, false, {order("AAA", kAllow, {named("a.test", Scope::Exact)})});
  const auto low = feed("a", 1, true, {order("BBB", kBlock, {named("a.test", Scope::Exact)})});
  CHECK(ask({high, low}, "a.test") == Blocked{1, 0, 0});
}

TEST_CASE("decide: a lower feed's allow undoes nothing above it") {
  const auto high = feed("z", 9, false, {order("AAA", kBlock, {named("a.test", Scope::Exact)})});
  const auto low = feed("a", 1, true, {order("BBB", kAllow, {named("a.test", Scope::Exact)})});
  CHECK(ask({low, high}, "a.test") == Blocked{1, 0, 0});
}

TEST_CASE("decide: an allow silences own feeds only, and an external one further down still blocks") {
  const auto allow = feed("a", 9, false, {order("AAA", kAllow, {named("a.test", Scope::Exact)})});
  const auto own = feed("b", 5, false, {order("BBB", kBlock, {named("a.test", Scope::Exact)})});
  const auto external = feed("c", 1, true, {order("CCC", kBlock, {named("test", Scope::Subtree)})});
  CHECK(ask({allow, own, external}, "a.test") == Blocked{2, 0, 0});
}

TEST_CASE("decide: at equal priority the feed whose name sorts first stands over the other") {
  const auto a = feed("a", 5, false, {order("AAA", kAllow, {named("a.test", Scope::Exact)})});
  const auto b = feed("b", 5, false, {order("BBB", kBlock, {named("a.test", Scope::Exact)})});
  CHECK_FALSE(ask({b, a}, "a.test"));
  auto renamed = a;
  renamed.snapshot.header.feed = "c";
  CHECK(ask({b, renamed}, "a.test") == Blocked{0, 0, 0});
  CHECK(stands_over(a, b));
  CHECK_FALSE(stands_over(b, a));
}

TEST_CASE("decide: a refused order neither blocks nor allows") {
  auto f = feed(
      "f", 0, true,
      {order("AAA", kBlock, {named("a.test", Scope::Exact)}), order("BBB", kAllow, {named("a.test", Scope::Exact)})});
  f.refused = {"BBB"};
  CHECK(ask({f}, "a.test") == Blocked{0, 0, 0});
  f.refused = {"AAA", "BBB"};
  CHECK_FALSE(ask({f}, "a.test"));
}

TEST_CASE("decide: a block in shadow blocks nothing and hides nothing, and is told where nothing else blocks") {
  auto f = feed(
      "f", 0, true,
      {order("AAA", kBlock, {named("a.test", Scope::Exact)}), order("BBB", kBlock, {named("test", Scope::Subtree)})});
  const auto shadow = [&](std::string_view name) {
    return decide_shadow({&f, 1}, {name, Method::Dns, 1, kNow}, ends_with);
  };
  f.shadow = {0};
  CHECK(ask({f}, "a.test") == Blocked{0, 1, 0});
  CHECK_FALSE(shadow("a.test"));
  f.shadow = {0, 1};
  CHECK_FALSE(ask({f}, "a.test"));
  CHECK(shadow("a.test") == Blocked{0, 0, 0});
  CHECK(shadow("b.test") == Blocked{0, 1, 0});
  CHECK_FALSE(shadow("other"));
}

TEST_CASE("decide: an allow is never in shadow, and what it allows is no effect of a shadow") {
  auto f = feed(
      "f", 0, true,
      {order("AAA", kAllow, {named("a.test", Scope::Exact)}), order("BBB", kBlock, {named("test", Scope::Subtree)})});
  f.shadow = {0};
  CHECK_FALSE(ask({f}, "a.test"));
  f.shadow = {0, 1};
  CHECK_FALSE(decide_shadow({&f, 1}, {"a.test", Method::Dns, 1, kNow}, ends_with));
  CHECK(decide_shadow({&f, 1}, {"b.test", Method::Dns, 1, kNow}, ends_with));
}

TEST_CASE("decide: reports the highest feed, then the most specific target") {
  const auto low = feed("low", 1, true, {order("AAA", kBlock, {named("x.a.test", Scope::Exact)})});
  const auto high = feed("high", 2, true,
                         {order("AAA", kBlock, {PatternTarget{"a.test"}, named("test", Scope::Subtree)}),
                          order("BBB", kBlock, {named("a.test", Scope::Subtree)}),
                          order("CCC", kBlock, {named("b.a.test", Scope::Subtree), named("b.a.test", Scope::Exact)})});
  const std::vector<Feed> feeds{low, high};
  CHECK(ask(feeds, "b.a.test") == Blocked{1, 2, 1});
  CHECK(ask(feeds, "c.b.a.test") == Blocked{1, 2, 0});
  CHECK(ask(feeds, "x.a.test") == Blocked{1, 1, 0});
  CHECK(ask(feeds, "test") == Blocked{1, 0, 1});
}

TEST_CASE("decide: reports a name before a pattern, then the smaller order id, then the first target") {
  const std::vector<Feed> feeds{
      feed("f", 0, true,
           {order("ZZZ", kBlock, {named("a.test", Scope::Exact)}),
            order("BBB", kBlock, {named("other.test", Scope::Exact), named("a.test", Scope::Exact)}),
            order("CCC", kBlock, {PatternTarget{"b.test"}}),
            order("AAA", kBlock, {PatternTarget{"nothing"}, PatternTarget{"b.test"}, PatternTarget{".test"}})})};
  CHECK(ask(feeds, "a.test") == Blocked{0, 1, 1});
  CHECK(ask(feeds, "a.b.test") == Blocked{0, 3, 1});
}

TEST_CASE("decide: without feeds nothing is blocked") {
  CHECK_FALSE(ask({}, "a.test"));
}
