#include "rules/image/standing.h"

#include <catch2/catch.hpp>

#include <random>

#include "rules/image/build.h"
#include "tests/support/feeds.h"

using namespace sluice;
using namespace sluice::test;

namespace {

const auto equal_text = [](const std::string& pattern, std::string_view name) { return pattern == name; };

/// `now`, staged upon what an image of `before` enforces.
Feed staged(const Feed& before, Feed now, MatchEngine engine = MatchEngine::Table) {
  const auto image = build_image({&before, 1}, {engine, {}}, key_pair().secret);
  REQUIRE(image.has_value());
  const auto base = ImageView::open(*image, key_pair().open);
  REQUIRE(base.has_value());
  stage_feed(now, PriorRules(*base, before.snapshot.header.feed));
  return now;
}

bool blocks(const Feed& feed, std::string_view name, Method method = Method::Dns, std::uint16_t qtype = 1,
            UnixSeconds now = 5) {
  return decide({&feed, 1}, {name, method, qtype, now}, equal_text).has_value();
}
bool shadows(const Feed& feed, std::string_view name, Method method = Method::Dns) {
  return decide_shadow({&feed, 1}, {name, method, 1, 5}, equal_text).has_value();
}

Feed one(std::vector<OrderWithTargets> orders) {
  return feed("f", {}, std::move(orders));
}

}  // namespace

TEST_CASE("staged: new orders are in shadow, those that stood go on, revoked ones end") {
  const Feed out = staged(one({block("A-1", {exact("a.org")}), block("B-1", {exact("b.org")})}),
                          one({block("A-1", {exact("a.org")}), block("C-1", {exact("c.org")})}));
  CHECK(blocks(out, "a.org"));
  CHECK_FALSE((blocks(out, "b.org") || shadows(out, "b.org")));
  CHECK_FALSE(blocks(out, "c.org"));
  CHECK(shadows(out, "c.org"));
  CHECK(out.snapshot.orders.size() == 2);
}

TEST_CASE("staged: where nothing stood, all of it is in shadow") {
  Feed out = one({block("A-1", {exact("a.org")}), allow("B-1", {exact("b.org")})});
  stage_feed(out, PriorRules());
  CHECK(shadows(out, "a.org"));
  CHECK(out.shadow == std::set<std::size_t>{0});
}

TEST_CASE("staged: of a changed order that is enforced which both versions cover") {
  const auto engine = GENERATE(MatchEngine::Table, MatchEngine::Hyperscan);
  const Feed out = staged(
      one({block("A-1", {subtree("wide.org"), exact("narrow.org"), exact("gone.org"), pattern("p1"), pattern("p2")})}),
      one({block("A-1", {exact("x.wide.org"), subtree("narrow.org"), exact("new.org"), pattern("p2"), pattern("p3")})}),
      engine);
  CHECK(blocks(out, "x.wide.org"));
  CHECK_FALSE((blocks(out, "wide.org") || shadows(out, "wide.org")));
  CHECK(blocks(out, "narrow.org"));
  CHECK_FALSE(blocks(out, "x.narrow.org"));
  CHECK(shadows(out, "x.narrow.org"));
  CHECK_FALSE((blocks(out, "gone.org") || shadows(out, "gone.org")));
  CHECK(shadows(out, "new.org"));
  CHECK_FALSE((blocks(out, "p1") || shadows(out, "p1")));
  CHECK(blocks(out, "p2"));
  CHECK(shadows(out, "p3"));
}

TEST_CASE("staged: methods, query types and an earlier beginning are held back, a renewal and an early end are not") {
  auto before = block("A-1", {exact("a.org")}), now = before;
  before.order.methods = bit(Method::Dns);
  before.order.qtypes = QtypeSet::Web;
  before.order.effective = 4;
  before.order.expires = 6;
  now.order.effective = 2;
  Feed out = staged(one({before}), one({now}));
  CHECK(blocks(out, "a.org"));
  CHECK_FALSE(blocks(out, "a.org", Method::Sni));
  CHECK(shadows(out, "a.org", Method::Sni));
  CHECK_FALSE(blocks(out, "a.org", Method::Dns, 15));
  CHECK_FALSE(blocks(out, "a.org", Method::Dns, 1, 3));
  CHECK(blocks(out, "a.org", Method::Dns, 1, 100));
  now.order.expires = 5;
  CHECK_FALSE(blocks(staged(one({before}), one({now})), "a.org"));
}

TEST_CASE("staged: an exception that was taken back goes on, or it would unveil a block") {
  const auto wide = block("A-1", {subtree("org")});
  const Feed before = one({wide, allow("B-1", {exact("b.org")}), allow("C-1", {exact("c.org"), exact("d.org")})});
  const Feed out = staged(before, one({wide, allow("C-1", {exact("c.org"), exact("e.org")})}));
  for (const char* name : {"b.org", "c.org", "d.org", "e.org"}) CHECK_FALSE(blocks(out, name));
  CHECK(blocks(out, "other.org"));
}

TEST_CASE("staged: what the operator put in shadow or refused stays so") {
  const Feed before = one({block("A-1", {exact("a.org")}), block("B-1", {exact("b.org")})});
  Feed now = before;
  now.shadow = {0};
  now.refused = {"B-1"};
  const Feed out = staged(before, now);
  CHECK_FALSE((blocks(out, "a.org") || blocks(out, "b.org")));
  CHECK(build_image({&out, 1}, {}, key_pair().secret).has_value());
}

TEST_CASE("staged: staging again upon a staged image changes nothing, as a restart does") {
  const Feed before = one({block("A-1", {exact("a.org"), subtree("w.org")})});
  const Feed now = one({block("A-1", {subtree("a.org"), exact("x.w.org")}), block("N-1", {exact("n.org")})});
  const Feed once = staged(before, now);
  const Feed twice = staged(once, now);
  const auto image = [](const Feed& f) { return *build_image({&f, 1}, {}, key_pair().secret); };
  CHECK(image(once) == image(twice));
}

TEST_CASE("staged: random feeds block nothing new, and all that both versions of an order block") {
  std::mt19937_64 random(7);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto some_name = [&] {
    std::string out(1, static_cast<char>('a' + below(2)));
    for (std::size_t n = below(4); n > 0; --n) out += "." + std::string(1, static_cast<char>('a' + below(2)));
    return out;
  };
  const auto some_feed = [&] {
    Feed out = one({});
    for (int id = 0; id < 4; ++id) {
      OrderWithTargets order = block("ID-" + std::to_string(id), {});
      if (below(4) == 0) order.order.action = OrderAction::Allow;
      order.order.methods = static_cast<MethodSet>(1 + below(15));
      order.order.qtypes = below(2) == 0 ? QtypeSet::Web : QtypeSet::All;
      order.order.effective = static_cast<UnixSeconds>(below(8));
      for (std::size_t n = 1 + below(4); n > 0; --n) {
        order.targets.push_back(below(2) == 0 ? exact(some_name()) : subtree(some_name()));
      }
      if (below(4) != 0) out.snapshot.orders.push_back(std::move(order));
    }
    return out;
  };
  const auto without_allows = [](Feed f) {
    std::erase_if(f.snapshot.orders, [](const OrderWithTargets& o) { return o.order.action == OrderAction::Allow; });
    return f;
  };
  std::size_t went_on = 0, held_back = 0;
  for (int round = 0; round < 2000; ++round) {
    const Feed before = some_feed(), now = some_feed();
    const Feed out = staged(before, now);
    const Feed plain_before = without_allows(before), plain_now = without_allows(now);
    const Feed plain = staged(plain_before, plain_now);
    for (int ask = 0; ask < 20; ++ask) {
      const std::string name = some_name();
      const auto method = static_cast<Method>(below(kMethodCount));
      const std::uint16_t qtype = below(2) == 0 ? 1 : 15;
      const auto when = static_cast<UnixSeconds>(below(8));
      INFO("round " << round << " name " << name);
      if (blocks(out, name, method, qtype, when)) {
        REQUIRE(blocks(before, name, method, qtype, when));
        REQUIRE(blocks(plain_now, name, method, qtype, when));
      } else if (blocks(now, name, method, qtype, when)) {
        ++held_back;
      }
      for (const OrderWithTargets& order : plain_now.snapshot.orders) {
        const auto stood = std::ranges::find(plain_before.snapshot.orders, order.order.id,
                                             [](const OrderWithTargets& o) { return o.order.id; });
        if (stood == plain_before.snapshot.orders.end()) continue;
        if (!blocks(one({order}), name, method, qtype, when) || !blocks(one({*stood}), name, method, qtype, when)) {
          continue;
        }
        ++went_on;
        REQUIRE(blocks(plain, name, method, qtype, when));
      }
    }
  }
  CHECK(went_on > 200);
  CHECK(held_back > 1000);
}
