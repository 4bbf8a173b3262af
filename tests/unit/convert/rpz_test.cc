#include "rules/convert/rpz.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "rules/text/orders_yaml.h"
#include "rules/text/rfc3339.h"

using namespace sluice;

namespace {

constexpr UnixSeconds kNow = 1'800'000'000;
constexpr auto kBlock = OrderAction::Block;
constexpr auto kAllow = OrderAction::Allow;

NameTarget named(std::string_view name, Scope scope) {
  return {*canonical_name(name), scope};
}

OrderWithTargets order(std::string id, OrderAction action, std::vector<Target> targets) {
  OrderWithTargets out;
  out.order.id = std::move(id);
  out.order.action = action;
  out.order.effective = kNow;
  out.order.expires = kNow + 1;
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

RpzZone zone_of(const std::vector<Feed>& feeds) {
  return write_rpz(feeds, {*canonical_name("rpz.example"), kNow});
}

/// Owner → target, of the policy records.
std::map<std::string, std::string> records(const RpzZone& zone) {
  std::map<std::string, std::string> out;
  std::istringstream lines(zone.text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(';') || line.starts_with('$') || line.starts_with('@')) continue;
    const std::size_t cname = line.find(" CNAME ");
    REQUIRE(cname != std::string::npos);
    const std::string target = line.substr(cname + 7, line.find(' ', cname + 7) - cname - 7);
    REQUIRE(out.emplace(line.substr(0, cname), target).second);
  }
  CHECK(out.size() == zone.records);
  return out;
}

/// What a zone answers by the rules of DNS: the name, or the wildcard at its closest encloser (RFC 4592 3.3.1).
std::string look_up(const std::map<std::string, std::string>& zone, std::string name) {
  std::set<std::string> exists;
  for (const auto& [owner, target] : zone) {
    for (std::string_view rest = owner;;) {
      exists.insert(std::string(rest));
      const std::size_t dot = rest.find('.');
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
  }
  if (const auto found = zone.find(name); found != zone.end()) return found->second;
  if (exists.contains(name)) return "";  // an empty non-terminal
  while (true) {
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) return "";
    name = name.substr(dot + 1);
    if (!exists.contains(name)) continue;
    const auto wildcard = zone.find("*." + name);
    return wildcard == zone.end() ? "" : wildcard->second;
  }
}

const std::string kNodata = "*.";
const std::string kPass = "rpz-passthru.";

}  // namespace

TEST_CASE("rpz: an exact target is one record, a subtree two, an allow passes") {
  const auto zone = zone_of({feed("f", 0, true,
                                  {order("AAA", kBlock, {named("exact.test", Scope::Exact)}),
                                   order("BBB", kBlock, {named("tree.test", Scope::Subtree)}),
                                   order("CCC", kAllow, {named("free.test", Scope::Subtree)})})});
  CHECK(records(zone) == std::map<std::string, std::string>{{"exact.test", kNodata},
                                                            {"tree.test", kNodata},
                                                            {"*.tree.test", kNodata},
                                                            {"free.test", kPass},
                                                            {"*.free.test", kPass}});
  CHECK(zone.text.find("\ntree.test CNAME *. ; BBB\n") != std::string::npos);
}

TEST_CASE("rpz: the head names zone, serial and feeds") {
  const auto zone = zone_of({feed("pta.example/x", 0, true, {})});
  CHECK(zone.text.find("\n$ORIGIN rpz.example.\n$TTL 60\n") != std::string::npos);
  CHECK(
      zone.text.find("\n@ IN SOA localhost. hostmaster.localhost. 1800000000 60 60 604800 60\n@ IN NS localhost.\n") !=
      std::string::npos);
  CHECK(zone.text.find("; feed pta.example/x epoch 0 seq 0 expires 1970-01-01T00:00:00Z\n") != std::string::npos);
}

TEST_CASE("rpz: an exception deep below a blocked subtree does not free its siblings") {
  const auto zone = zone_of({feed("f", 0, true,
                                  {order("AAA", kBlock, {named("example.test", Scope::Subtree)}),
                                   order("BBB", kAllow, {named("a.b.c.example.test", Scope::Exact)})})});
  const auto all = records(zone);
  CHECK(look_up(all, "a.b.c.example.test") == kPass);
  CHECK(look_up(all, "x.a.b.c.example.test") == kNodata);
  CHECK(look_up(all, "b.c.example.test") == kNodata);
  CHECK(look_up(all, "x.b.c.example.test") == kNodata);
  CHECK(look_up(all, "c.example.test") == kNodata);
  CHECK(look_up(all, "x.c.example.test") == kNodata);
  CHECK(look_up(all, "x.example.test") == kNodata);
  CHECK(look_up(all, "example.test") == kNodata);
  CHECK(look_up(all, "test").empty());
}

TEST_CASE("rpz: what a wildcard above says already is not said again") {
  const auto zone = zone_of(
      {feed("f", 0, true,
            {order("AAA", kBlock, {named("tree.test", Scope::Subtree)}),
             order("BBB", kBlock, {named("a.tree.test", Scope::Exact), named("b.a.tree.test", Scope::Subtree)})})});
  CHECK(records(zone) == std::map<std::string, std::string>{{"tree.test", kNodata}, {"*.tree.test", kNodata}});
}

TEST_CASE("rpz: an exact block below an allowed subtree of the same feed stays allowed") {
  const auto zone = zone_of({feed("f", 0, true,
                                  {order("AAA", kBlock, {named("a.free.test", Scope::Exact)}),
                                   order("BBB", kAllow, {named("free.test", Scope::Subtree)})})});
  CHECK(look_up(records(zone), "a.free.test") == kPass);
}

TEST_CASE("rpz: patterns, and names that no owner can carry, are listed and counted") {
  const std::string longest =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(50, 'd');
  const auto zone =
      zone_of({feed("f", 0, true,
                    {order("AAA", kBlock,
                           {PatternTarget{"a\nevil.test CNAME ."}, named(longest, Scope::Exact),
                            named("8.0.0.0.10.rpz-ip", Scope::Exact), named("rpz-passthru", Scope::Exact)})})});
  CHECK(zone.patterns == 1);
  CHECK(zone.unspeakable == 3);
  CHECK(records(zone).empty());
  CHECK(zone.text.find("; left out, a pattern: order AAA a?evil.test CNAME .\n") != std::string::npos);
  CHECK(zone.text.find("; left out, no owner name: order AAA 8.0.0.0.10.rpz-ip\n") != std::string::npos);
}

TEST_CASE("rpz: orders that are refused, out of force or not for DNS are not in the zone") {
  auto early = order("AAA", kBlock, {named("early.test", Scope::Exact)});
  early.order.effective = kNow + 1;
  auto late = order("BBB", kBlock, {named("late.test", Scope::Exact)});
  late.order.expires = kNow;
  auto sni = order("CCC", kBlock, {named("sni.test", Scope::Exact)});
  sni.order.methods = bit(Method::Sni);
  auto f = feed("f", 0, true, {early, late, sni, order("DDD", kBlock, {named("refused.test", Scope::Exact)})});
  f.refused = {"DDD"};
  CHECK(records(zone_of({f})).empty());
}

TEST_CASE("rpz: for every name the zone says what decide() says") {
  std::mt19937 random(7);
  const auto pick = [&](unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random); };
  const auto random_name = [&] {
    std::string name(1, static_cast<char>('x' + pick(2)));
    for (unsigned i = pick(4); i > 0; --i) name = std::string(1, static_cast<char>('a' + pick(3))) + "." + name;
    return name;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<Feed> feeds;
    for (unsigned f = pick(3) + 1; f > 0; --f) {
      std::vector<OrderWithTargets> orders;
      for (unsigned o = pick(4); o > 0; --o) {
        orders.push_back(order("ORDER-" + std::to_string(o), pick(3) == 0 ? kAllow : kBlock,
                               {named(random_name(), pick(2) == 0 ? Scope::Exact : Scope::Subtree)}));
      }
      feeds.push_back(
          feed("f" + std::to_string(f), static_cast<std::uint8_t>(pick(3)), pick(2) == 0, std::move(orders)));
    }
    const auto all = records(zone_of(feeds));
    for (int i = 0; i < 100; ++i) {
      const std::string name = pick(4) == 0 ? "n." + random_name() : random_name();
      const bool blocked = decide(feeds, {name, Method::Dns, 1, kNow}, [](auto&&, auto) { return false; }).has_value();
      CAPTURE(name, round);
      CHECK((look_up(all, name) == kNodata) == blocked);
    }
  }
}

TEST_CASE("rpz: BIND loads the zone of the example") {
  const auto orders = read_orders_file("rules/examples/pta-example.yaml");
  REQUIRE(orders.has_value());
  Feed f = feed(orders->feed, 10, true, orders->orders);
  const RpzZone zone =
      write_rpz(std::vector<Feed>{f}, {*canonical_name("rpz.example"), *parse_rfc3339("2026-11-22T00:00:00Z")});
  const auto all = records(zone);
  CHECK(zone.patterns == 1);
  CHECK(look_up(all, "militant.example") == kNodata);
  CHECK(look_up(all, "www.militant.example") == kNodata);
  CHECK(look_up(all, "press.militant.example") == kPass);
  CHECK(look_up(all, "a.press.militant.example") == kPass);
  CHECK(look_up(all, "blocked.test").empty());
  CHECK(look_up(all, "xn--bcher-kva.test") == kNodata);
  std::FILE* checkzone = popen("named-checkzone -q rpz.example /dev/stdin", "w");
  REQUIRE(checkzone != nullptr);
  std::fwrite(zone.text.data(), 1, zone.text.size(), checkzone);
  CHECK(pclose(checkzone) == 0);
}
