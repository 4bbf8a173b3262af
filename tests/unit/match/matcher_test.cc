#include "dataplane/match/matcher.h"

#include <catch2/catch.hpp>

#include "rules/image/build.h"
#include "tests/support/allocations.h"
#include "tests/support/feeds.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr UnixSeconds kNow = 500;

std::unique_ptr<RuleSet> open_rules(std::vector<Feed> feeds, MatchEngine engine = MatchEngine::Table) {
  const KeyPair keys = key_pair();
  auto image = build_image(feeds, {engine, {}}, keys.secret);
  if (!image) FAIL(to_string(image.error().code) << " " << image.error().detail);
  auto rules = RuleSet::open(*image, keys.open, 1);
  if (!rules) FAIL(to_string(rules.error()));
  return std::move(*rules);
}

Decision ask(const RuleSet& rules, std::string_view text, Method method = Method::Dns, std::uint16_t qtype = 1,
             UnixSeconds now = kNow) {
  WireName wire;
  assign(wire, text);
  const Lookup lookup{&wire, method, qtype};
  Decision decision;
  rules.lookup({&lookup, 1}, {&decision, 1}, now, 0);
  return decision;
}

/// Id of the order that blocks, or "".
std::string_view blocker(const RuleSet& rules, std::string_view text) {
  const Decision decision = ask(rules, text);
  return decision.blocked() ? rules.orders()[decision.order].id : std::string_view();
}

std::string long_name(std::size_t bytes) {
  std::string out = "example.org";
  while (out.size() + 2 <= bytes) out = std::string(std::min<std::size_t>(63, bytes - out.size() - 1), 'x') + "." + out;
  return out;
}

}  // namespace

TEST_CASE("match: exact means the name alone, subtree all below it, on label borders only") {
  const auto engine = GENERATE(MatchEngine::Table, MatchEngine::Hyperscan);
  const auto rules = open_rules({feed("f", {}, {block("A-1", {exact("www.example.net"), subtree("t.me")})})}, engine);
  CHECK(blocker(*rules, "www.example.net") == "A-1");
  CHECK(blocker(*rules, "WWW.Example.NET") == "A-1");
  CHECK(blocker(*rules, "a.www.example.net").empty());
  CHECK(blocker(*rules, "example.net").empty());
  CHECK(blocker(*rules, "t.me") == "A-1");
  CHECK(blocker(*rules, "a.b.t.me") == "A-1");
  CHECK(blocker(*rules, "tt.me").empty());
  CHECK(blocker(*rules, "me").empty());
  CHECK(blocker(*rules, "t.me.example.org").empty());
  CHECK(rules->names() == 2);
  CHECK(rules->engine() == engine);
}

TEST_CASE("match: a target of one label works beside deeper ones") {
  const auto engine = GENERATE(MatchEngine::Table, MatchEngine::Hyperscan);
  const auto rules =
      open_rules({feed("f", {}, {block("A-1", {subtree("test"), exact("localhost"), exact("a.b.example")})})}, engine);
  CHECK(blocker(*rules, "test") == "A-1");
  CHECK(blocker(*rules, "deep.down.test") == "A-1");
  CHECK(blocker(*rules, "localhost") == "A-1");
  CHECK(blocker(*rules, "a.localhost").empty());
  CHECK(blocker(*rules, "a.b.example") == "A-1");
  CHECK(blocker(*rules, "example").empty());
}

TEST_CASE("match: the most specific target is reported, and its text") {
  const auto engine = GENERATE(MatchEngine::Table, MatchEngine::Hyperscan);
  const auto rules =
      open_rules({feed("f", {},
                       {block("A-1", {subtree("example.org"), pattern("[a-z]+\\.example\\.org")}),
                        block("A-2", {subtree("b.example.org")}), block("A-3", {exact("a.b.example.org")}),
                        block("A-4", {pattern("m[0-9]\\.mirror\\.net")})})},
                 engine);
  const auto reported = [&](std::string_view text) {
    const Decision decision = ask(*rules, text);
    REQUIRE(decision.blocked());
    return std::pair(std::string(rules->orders()[decision.order].id), std::string(rules->target_text(decision, text)));
  };
  CHECK(reported("a.b.example.org") == std::pair<std::string, std::string>("A-3", "a.b.example.org"));
  CHECK(reported("c.b.example.org") == std::pair<std::string, std::string>("A-2", "b.example.org"));
  CHECK(reported("x.example.org") == std::pair<std::string, std::string>("A-1", "example.org"));
  CHECK(reported("m7.mirror.net") == std::pair<std::string, std::string>("A-4", "m[0-9]\\.mirror\\.net"));
}

TEST_CASE("match: a pattern is matched against the whole name") {
  const auto rules = open_rules(
      {feed("f", {}, {block("A-1", {pattern("mirror[0-9]{1,3}\\.example\\.(com|net)"), pattern("a\\.org|b\\.org")})})});
  CHECK(rules->patterns() == 2);
  CHECK(blocker(*rules, "mirror12.example.com") == "A-1");
  CHECK(blocker(*rules, "mirror1234.example.com").empty());
  CHECK(blocker(*rules, "x.mirror12.example.com").empty());
  CHECK(blocker(*rules, "mirror12.example.com.au").empty());
  CHECK(blocker(*rules, "b.org") == "A-1");
  CHECK(blocker(*rules, "a.org.b.org").empty());
  CHECK(blocker(*rules, "xa.org").empty());
}

TEST_CASE("match: an allow silences its own feed and lower feeds of the operator, never an external block") {
  const auto engine = GENERATE(MatchEngine::Table, MatchEngine::Hyperscan);
  const Target everywhere = subtree("example.org");
  const auto rules = open_rules(
      {feed("own", {.priority = 9, .external = false},
            {allow("OWN-1", {exact("a.example.org"), exact("b.example.org")}), block("OWN-2", {everywhere})}),
       feed("court", {.priority = 5, .external = true}, {block("COURT-1", {exact("b.example.org")})}),
       feed("extra", {.priority = 1, .external = false}, {block("EXTRA-1", {everywhere})})},
      engine);
  CHECK(blocker(*rules, "a.example.org").empty());
  CHECK(blocker(*rules, "b.example.org") == "COURT-1");
  CHECK(blocker(*rules, "c.example.org") == "OWN-2");
}

TEST_CASE("match: an order counts within its validity, for its methods and qtypes") {
  OrderWithTargets narrow = block("A-1", {exact("a.org")});
  narrow.order.effective = 100;
  narrow.order.expires = 200;
  narrow.order.methods = bit(Method::Dns) | bit(Method::Sni);
  narrow.order.qtypes = QtypeSet::Web;
  const auto rules = open_rules({feed("f", {}, {narrow})});
  CHECK_FALSE(ask(*rules, "a.org", Method::Dns, 1, 99).blocked());
  CHECK(ask(*rules, "a.org", Method::Dns, 1, 100).blocked());
  CHECK(ask(*rules, "a.org", Method::Dns, 1, 199).blocked());
  CHECK_FALSE(ask(*rules, "a.org", Method::Dns, 1, 200).blocked());
  CHECK(ask(*rules, "a.org", Method::Sni, 16, 150).blocked());
  CHECK_FALSE(ask(*rules, "a.org", Method::Http, 1, 150).blocked());
  CHECK_FALSE(ask(*rules, "a.org", Method::Dns, 16, 150).blocked());
}

TEST_CASE("match: an order that the operator refuses is not in the image") {
  Feed with_refusal = feed("f", {}, {block("A-1", {exact("a.org")}), block("A-2", {exact("b.org")})});
  with_refusal.refused = {"A-1"};
  const auto rules = open_rules({with_refusal});
  CHECK(blocker(*rules, "a.org").empty());
  CHECK(blocker(*rules, "b.org") == "A-2");
  CHECK(rules->orders().size() == 1);
}

TEST_CASE("match: names and labels of every length are found") {
  std::vector<std::string> texts;
  for (std::size_t label = 1; label <= 63; ++label) texts.push_back(std::string(label, 'a') + ".org");
  for (std::size_t bytes = 13; bytes <= 253; ++bytes) {
    if (long_name(bytes).size() == bytes) texts.push_back(long_name(bytes));
  }
  std::string deepest = "a";
  while (deepest.size() + 2 <= 253) deepest = "b." + deepest;
  texts.push_back(deepest);

  std::vector<Target> targets;
  for (const std::string& text : texts) targets.push_back(exact(text));
  const auto rules = open_rules({feed("f", {}, {block("A-1", targets)})});
  for (const std::string& text : texts) {
    INFO(text);
    CHECK(blocker(*rules, text) == "A-1");
    std::string other = text;
    other[0] = 'z';
    CHECK(blocker(*rules, other).empty());
  }
}

TEST_CASE("match: a full batch is answered name by name") {
  const auto rules = open_rules({feed("f", {}, {block("A-1", {subtree("example.org"), pattern("p[0-9]+\\.net")})})});
  std::vector<WireName> names(RuleSet::kBatch);
  std::vector<Lookup> in;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string n = std::to_string(i);
    assign(names[i], i % 3 == 0 ? n + ".example.org" : i % 3 == 1 ? "p" + n + ".net" : n + ".example.com");
    in.push_back({&names[i], Method::Sni, 0});
  }
  std::vector<Decision> out(in.size());
  rules->lookup(in, out, kNow, 0);
  for (std::size_t i = 0; i < in.size(); ++i) CHECK(out[i].blocked() == (i % 3 != 2));
}

TEST_CASE("match: looking up allocates nothing") {
  std::vector<Target> targets{pattern("p[0-9]+\\.net")};
  for (int i = 0; i < 1000; ++i) targets.push_back(subtree("n" + std::to_string(i) + ".example.org"));
  const auto rules = open_rules({feed("f", {}, {block("A-1", targets)})});
  std::vector<WireName> names(RuleSet::kBatch);
  std::vector<Lookup> in;
  for (std::size_t i = 0; i < names.size(); ++i) {
    assign(names[i], i % 2 == 0 ? "a.n" + std::to_string(i) + ".example.org" : "p1.net");
    in.push_back({&names[i], Method::Dns, 1});
  }
  std::vector<Decision> out(in.size());
  const std::uint64_t before = allocations();
  for (int i = 0; i < 16384; ++i) rules->lookup(in, out, kNow, 0);
  CHECK(allocations() == before);
  CHECK(out[0].blocked());
}
