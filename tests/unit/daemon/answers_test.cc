#include "control/daemon/answers.h"

#include <simdjson.h>
#include <sodium.h>

#include <catch2/catch.hpp>
#include <span>

#include "control/daemon/routes.h"
#include "control/daemon/worker.h"
#include "rules/image/build.h"

using namespace sluice;
namespace dom = simdjson::dom;

namespace {

constexpr UnixSeconds kNow = 1'800'000'000;

Order order(const std::string& id, MethodSet methods) {
  Order o;
  o.id = id;
  o.number = "no. " + id;
  o.methods = methods;
  o.effective = kNow - 10;
  o.expires = kNow + 10;
  o.authority = "The \"authority\"";
  o.law = "The law";
  o.reason["en"] = "Why";
  o.appeal_url = "https://appeal.example/";
  o.appeal_email = "appeal@example.org";
  return o;
}

RulesView rules() {
  Feed feed;
  feed.snapshot.header = {"a.example/x", 1, 7, kNow - 100, kNow + 100, "", 1, 2, 3};
  feed.snapshot.orders.push_back(
      {order("ONE-1", kAllMethods),
       {NameTarget{*canonical_name("blocked.example.org"), Scope::Subtree}, PatternTarget{"m[0-9]\\.example\\.org"}}});
  feed.snapshot.orders.push_back(
      {order("TWO-2", bit(Method::Quic)), {NameTarget{*canonical_name("quic.example.org"), Scope::Exact}}});
  Ed25519PublicKey pub{};
  Ed25519SecretKey secret{};
  REQUIRE(crypto_sign_keypair(pub.data(), secret.data()) == 0);
  const auto image = build_image(std::span(&feed, 1), {}, secret);
  REQUIRE(image.has_value());
  RulesView view;
  view.rules = *RuleSet::open(*image, pub, 1);
  view.image_sha256 = std::string(64, 'e');
  const FeedState state{"a.example/x", 1, 7, std::string(64, 'b'), kNow};
  view.feeds.push_back({"a.example/x", {}, state, feed.snapshot.header, {}});
  for (const auto& o : feed.snapshot.orders) view.feeds[0].orders.push_back({o.order, o.targets.size()});
  view.feeds.push_back({"b.example/y", {}, {}, {}, {}});
  return view;
}

class Json {
 public:
  explicit Json(const std::string& text) { REQUIRE(parser_.parse(text).get(root_) == simdjson::SUCCESS); }
  [[nodiscard]] std::string text(const char* pointer) const {
    std::string_view value;
    REQUIRE(root_.at_pointer(pointer).get(value) == simdjson::SUCCESS);
    return std::string(value);
  }
  [[nodiscard]] bool yes(const char* pointer) const {
    bool value = false;
    REQUIRE(root_.at_pointer(pointer).get(value) == simdjson::SUCCESS);
    return value;
  }
  [[nodiscard]] std::uint64_t number(const char* pointer) const {
    std::uint64_t value = 0;
    REQUIRE(root_.at_pointer(pointer).get(value) == simdjson::SUCCESS);
    return value;
  }
  [[nodiscard]] bool has(const char* pointer) const { return root_.at_pointer(pointer).error() == simdjson::SUCCESS; }

 private:
  dom::parser parser_;
  dom::element root_;
};

}  // namespace

TEST_CASE("why: the order that blocks, the target that matched and every method it holds for") {
  const RulesView view = rules();
  const Json why(why_json(view, {"a.blocked.example.org", {}, 1}, kNow));
  CHECK(why.yes("/blocked"));
  CHECK(why.text("/order") == "ONE-1");
  CHECK(why.text("/authority") == "The \"authority\"");
  CHECK(why.text("/target") == "blocked.example.org");
  CHECK(why.text("/scope") == "subtree");
  CHECK(why.text("/appeal_email") == "appeal@example.org");
  CHECK(why.text("/methods/3") == "http");
  const Json pattern(why_json(view, {"m3.example.org", {}, 1}, kNow));
  CHECK(pattern.text("/scope") == "pattern");
  CHECK(pattern.text("/target") == "m[0-9]\\.example\\.org");
}

TEST_CASE("why: method, qtype and time decide as they do in the data plane") {
  const RulesView view = rules();
  CHECK_FALSE(Json(why_json(view, {"quic.example.org", Method::Dns, 1}, kNow)).yes("/blocked"));
  CHECK(Json(why_json(view, {"quic.example.org", {}, 1}, kNow)).text("/method") == "quic");
  CHECK_FALSE(Json(why_json(view, {"blocked.example.org", Method::Dns, 15}, kNow)).yes("/blocked"));
  CHECK(Json(why_json(view, {"blocked.example.org", Method::Sni, 15}, kNow)).yes("/blocked"));
  CHECK_FALSE(Json(why_json(view, {"blocked.example.org", {}, 1}, kNow + 10)).yes("/blocked"));
  CHECK_FALSE(Json(why_json(view, {"example.org", {}, 1}, kNow)).yes("/blocked"));
}

TEST_CASE("orders: hits come from the counters by feed and order, and feeds can be chosen") {
  const RulesView view = rules();
  Tally tally;
  tally.orders[{"a.example/x", "TWO-2"}] = {5, 6};
  tally.orders[{"b.example/y", "ONE-1"}] = {9, 9};
  const Json all(orders_json(view, tally, "", kNow));
  CHECK(all.text("/orders/0/id") == "ONE-1");
  CHECK(all.number("/orders/0/blocked") == 0);
  CHECK(all.number("/orders/0/targets") == 2);
  CHECK(all.number("/orders/1/blocked") == 5);
  CHECK(all.number("/orders/1/observed") == 6);
  CHECK(all.text("/orders/1/methods/0") == "quic");
  CHECK_FALSE(Json(orders_json(view, {}, "b.example/y", kNow)).has("/orders/0"));
}

TEST_CASE("status: feeds, image, data plane as it answered, counters by name, and alarms") {
  StatusFacts facts;
  facts.now = kNow;
  facts.rules = std::make_shared<const RulesView>(rules());
  facts.dataplane = std::make_shared<const DataplaneView>(DataplaneView{true, true, true, R"({"pid":9})"});
  facts.tally = Tally();
  facts.tally->causes[static_cast<std::size_t>(Cause::TlsNoSni)] = 3;
  for (std::size_t i = 0; i < kCauseCount; ++i) facts.tally->rows[i] = kCauses[i].row;
  facts.alarms = {{"rollback", "a.example/x", "d", kNow, 2}};
  const Json status(status_json(facts));
  CHECK(status.text("/feeds/0/state") == "active");
  CHECK(status.text("/feeds/1/state") == "none");
  CHECK(status.number("/image/names") == 2);
  CHECK(status.number("/dataplane/health/pid") == 9);
  CHECK(status.number("/counters/causes/tls-no-sni") == 3);
  for (const CauseInfo& cause : std::span(kCauses).subspan(1)) {
    CHECK(status.text(("/counters/policy/" + std::string(cause.name)).c_str()) == to_string(cause.row));
    CHECK(status.has(("/counters/causes/" + std::string(cause.name)).c_str()));
  }
  CHECK(status.number("/alarms/0/count") == 2);
  facts.now = kNow + 100;
  CHECK(Json(status_json(facts)).text("/feeds/0/state") == "expired");
}

TEST_CASE("apply: ok only where every bundle was good and the data plane runs the image") {
  const Outcome good{"b", "accepted", "f", "", 1, 2};
  const Outcome bad{"c", "rollback", "f", "", 1, 1};
  CHECK(Json(apply_json({{good}, "s", {true, "running"}})).yes("/ok"));
  CHECK_FALSE(Json(apply_json({{good, bad}, "s", {true, "running"}})).yes("/ok"));
  CHECK_FALSE(Json(apply_json({{good}, "s", {false, "refused: bad-hash"}})).yes("/ok"));
}

TEST_CASE("qtypes: by name, by number, by TYPEn, and nothing else") {
  CHECK(qtype_from("aaaa") == 28);
  CHECK(qtype_from("65") == 65);
  CHECK(qtype_from("TYPE257") == 257);
  for (const char* bad : {"", "TYPE", "65536", "-1", "A ", "NOSUCH"}) CHECK_FALSE(qtype_from(bad).has_value());
}

TEST_CASE("bypass: the body says on or off, and nothing besides") {
  CHECK(read_bypass_request(R"({"on":true})") == true);
  CHECK(read_bypass_request(R"({ "on" : false })") == false);
  for (const char* bad : {"", "{}", R"({"on":1})", R"({"on":"true"})", R"({"on":true,"on":false})",
                          R"({"on":true,"x":1})", R"({"on":true}{})", "[true]"}) {
    CHECK_FALSE(read_bypass_request(bad).has_value());
  }
}
