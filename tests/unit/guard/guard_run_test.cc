#include "rules/guard/guard_run.h"

#include <catch2/catch.hpp>

#include "tests/support/feeds.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr UnixSeconds kDay = 86400;

const Guard& shipped() {
  static const Guard kGuard(shipped_lists(), {"help.operator.example"});
  return kGuard;
}

/// An order that G8 has nothing against.
OrderWithTargets ordered(std::string id, std::vector<Target> targets, OrderAction action = OrderAction::Block) {
  OrderWithTargets out = lawful(order(std::move(id), action, std::move(targets)), 20'000 * kDay, 20'100 * kDay);
  out.order.appeal_url = "https://appeals.authority.example:8443/form?x=1";
  return out;
}

/// "CODE target" of the first refusal of one order with this target; empty where it passes.
std::string refusal_of(Target target, OrderAction action = OrderAction::Block) {
  const OrderWithTargets one = ordered("A-100", {std::move(target)}, action);
  const GuardReport report = run_guards(shipped(), {&one, 1}, 1);
  CHECK(report.refused.size() == (report.refusals.empty() ? 0 : 1));
  return report.refusals.empty() ? "" : report.refusals[0].code + " " + report.refusals[0].target;
}
std::string code_of(Target target) {
  return refusal_of(std::move(target)).substr(0, 2);
}

}  // namespace

TEST_CASE("guard: an ordinary name passes") {
  CHECK(refusal_of(subtree("militant.example")).empty());
  CHECK(refusal_of(exact("www.some-site.com.pk")).empty());
  CHECK(refusal_of(pattern(R"(mirror[0-9]{1,3}\.militant-site\.(com|net))")).empty());
}

TEST_CASE("guard G1: public suffixes and what is above one are refused") {
  for (const char* name : {"com", "com.pk", "co.uk", "github.io", "blogspot.com", "a.kawasaki.jp", "no-such-tld"}) {
    CHECK(code_of(subtree(name)) == "G1");
    CHECK(code_of(exact(name)) == "G1");
  }
  CHECK(code_of(subtree("s3.dualstack.us-east-1.amazonaws.com")) == "G1");
  CHECK(code_of(subtree("us-east-1.amazonaws.com")) == "G1");
  CHECK(code_of(subtree("some-one.github.io")).empty());
  CHECK(code_of(subtree("city.kawasaki.jp")).empty());
}

TEST_CASE("guard G2: protected names, what is below them and what covers them are refused") {
  CHECK(refusal_of(exact("dns.google")) == "G2 dns.google");
  CHECK(code_of(exact("r10.o.lencr.org")) == "G2");
  CHECK(code_of(subtree("nadra.gov.pk")) == "G2");
  CHECK(code_of(subtree("mp.microsoft.com")) == "G2");
  CHECK(code_of(exact("help.operator.example")) == "G2");
  CHECK(code_of(subtree("operator.example")) == "G2");
  CHECK(code_of(exact("operator.example")).empty());
  CHECK(code_of(subtree("below.help.operator.example")).empty());
  CHECK(code_of(pattern(R"([a-z]+\.gov\.pk)")) == "G2");
  CHECK(code_of(pattern(R"([a-z]{1,3}\.operator\.example)")).empty());
  CHECK(code_of(pattern(R"([a-z]{1,4}\.operator\.example)")) == "G2");
}

TEST_CASE("guard G2: nobody blocks a page where people appeal against an order of the same bundle") {
  std::vector<OrderWithTargets> orders{ordered("A-100", {subtree("innocent.example"), subtree("authority.example")}),
                                       ordered("A-200", {exact("appeals.authority.example")}),
                                       ordered("A-300", {exact("authority.example"), exact("appeals.other.example")})};
  orders[0].order.appeal_url = "https://appeals.other.example/";
  const GuardReport report = run_guards(shipped(), orders, 1);
  CHECK(report.refused == std::set<std::string>{"A-100", "A-200", "A-300"});
  CHECK(report.refusals[0].target == "authority.example");
  CHECK(report.refusals[0].target_index == 1);
  CHECK(report.refusals[2].target == "appeals.other.example");
}

TEST_CASE("guard G4: names that stand for an address are refused") {
  for (const char* name : {"192.0.2.1", "1.2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa",
                           "ip-192-0-2-1.isp.example", "ec2-192-0-2-1.compute.example", "192-0-2-1.example.net",
                           "192.0.2.1.nip.example", "2001-db8-0-0-0-0-0-1.isp.example"}) {
    CHECK(code_of(subtree(name)) == "G4");
  }
  for (const char* name : {"1-2-3.example.com", "2024-10-12-13.example.com", "site-300-1-2-3.example.com",
                           "01-02-03-04.example.com", "a1.b2.c3.d4.example.com", "arpa.example.com"}) {
    CHECK(code_of(subtree(name)).empty());
  }
}

TEST_CASE("guard G5: popular names and shared platforms need an override") {
  CHECK(code_of(exact("drive.google.com")) == "G5");
  CHECK(code_of(exact("some-channel.t.me")) == "G5");
  CHECK(code_of(subtree("www.dawn.com")) == "G5");
  CHECK(code_of(pattern(R"(user[0-9]+\.t\.me)")) == "G5");
  // What one party holds below a public suffix is nobody else's, however popular the suffix is.
  CHECK(code_of(subtree("some-blog.blogspot.com")).empty());

  OrderWithTargets order = ordered("A-100", {exact("some-channel.tumblr.com"), subtree("dawn.com")});
  order.order.overrides = {{"G5", "the decision names it"}};
  const GuardReport report = run_guards(shipped(), {&order, 1}, 1);
  CHECK(report.refusals.empty());
  REQUIRE(report.overrides.size() == 2);
  CHECK(report.overrides[0].why == "the decision names it");
  CHECK_FALSE(report.overrides[1].wants_second_signature);
}

TEST_CASE("guard G5: a whole platform needs two independent signatures, 30 days at most and full publication") {
  OrderWithTargets order = ordered("A-100", {subtree("www.telegram.org")});
  order.order.overrides = {{"G5", "the decision names it"}};
  const auto detail = [&](std::optional<unsigned> signatures) {
    const GuardReport report = run_guards(shipped(), {&order, 1}, signatures);
    return report.refusals.empty() ? "" : report.refusals[0].detail;
  };
  CHECK(detail(2) == "a whole platform for more than 30 days");
  order.order.expires = order.order.effective + 30 * kDay;
  CHECK(detail(1) == "a whole platform, signed by one independent party");
  CHECK(detail(2).empty());
  CHECK(detail({}).empty());
  order.order.publication = PublicationKind::Lookup;
  CHECK(detail(2) == "a whole platform without full publication");
}

TEST_CASE("guard G6: a pattern that matches listed names needs an override, and says how many") {
  const std::string wide = R"([a-z]+grill\.com)";
  CHECK(code_of(pattern(wide)) == "G6");
  OrderWithTargets order = ordered("A-100", {pattern(wide)});
  order.order.overrides = {{"G6", "the decision names it"}};
  const GuardReport report = run_guards(shipped(), {&order, 1}, 1, {.blast = true});
  CHECK(report.refusals.empty());
  REQUIRE(report.overrides.size() == 1);
  REQUIRE(report.blast.size() == 1);
  CHECK(report.blast[0].blast.ordinary > 0);
  CHECK_FALSE(report.blast[0].blast.examples.empty());
}

TEST_CASE("guard: a hard guard has no override") {
  OrderWithTargets order = ordered("A-100", {subtree("com.pk"), subtree("dns.google"), subtree("1.in-addr.arpa")});
  order.order.overrides = {{"G1", "why"}, {"G2", "why"}, {"G4", "why"}};
  const GuardReport report = run_guards(shipped(), {&order, 1}, 2, {.refusals_per_order = 10});
  REQUIRE(report.refusals.size() >= 3);
  CHECK(report.overrides.empty());
}

TEST_CASE("guard G8: an order without a required field is refused, and one that is over where that is asked") {
  OrderWithTargets order = ordered("A-100", {exact("some-site.com")});
  const auto code = [&](const GuardOptions& options) {
    const GuardReport report = run_guards(shipped(), {&order, 1}, 1, options);
    return report.refusals.empty() ? "" : report.refusals[0].code + " " + report.refusals[0].detail;
  };
  CHECK(code({.now = order.order.expires}) == "G8 expires: lies in the past");
  CHECK(code({.now = order.order.expires - 1}).empty());
  CHECK(code({}).empty());
  order.order.law = "";
  CHECK(code({}) == "G8 law: required");
}

TEST_CASE("guard: an exception is let be, however wide it is") {
  CHECK(refusal_of(subtree("com"), OrderAction::Allow).empty());
  CHECK(refusal_of(subtree("google.com"), OrderAction::Allow).empty());
  CHECK(refusal_of(pattern(R"([a-z]+\.google\.com)"), OrderAction::Allow).empty());
}

TEST_CASE("guard: one refused order leaves the others alone") {
  const std::vector<OrderWithTargets> orders{
      ordered("A-100", {subtree("some-site.com")}),
      ordered("A-200", {subtree("other-site.com"), subtree("com"), subtree("net")}),
      ordered("A-300", {pattern(R"(x\.some-site\.com)"), pattern(R"([a-z]+grill\.com)")})};
  const GuardReport report = run_guards(shipped(), orders, 1);
  CHECK(report.refused == std::set<std::string>{"A-200", "A-300"});
  REQUIRE(report.refusals.size() == 2);
  CHECK(report.refusals[0].target == "com");
  CHECK(report.refusals[1].order_index == 2);
  CHECK(report.refusals[1].target_index == 1);
  CHECK(run_guards(shipped(), orders, 1, {.refusals_per_order = 9}).refusals.size() == 3);
}

TEST_CASE("guard: what a pattern or subtree would hit is counted with examples") {
  OrderWithTargets order =
      ordered("A-100", {subtree("google.com"), exact("google.com"), subtree("no-such-site.example")});
  const GuardReport report = run_guards(shipped(), {&order, 1}, 1, {.blast = true});
  REQUIRE(report.blast.size() == 1);
  CHECK(report.blast[0].target_index == 0);
  CHECK(report.blast[0].blast.popular >= 8);
  CHECK(report.blast[0].blast.examples.size() == kBlastExamples);
}
