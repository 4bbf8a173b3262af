#include "rules/convert/referral.h"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

std::vector<Referral> some() {
  std::vector<Referral> out;
  put_referral(out, {"https://www.youtube.com/@x", platform_of("https://www.youtube.com/@x"), "A-100",
                     ReferralState::Referred, 1000, 2000, "ticket \"7\", urgent"});
  put_referral(out, {"some@t.me", platform_of("some@t.me"), "", ReferralState::Identified, 1500, 1500, ""});
  put_referral(out, {"https://m.youtube.com/y", "youtube.com", "", ReferralState::ActedOn, 1000, 3000, "a\nb"});
  return out;
}

}  // namespace

TEST_CASE("referrals: the platform is the registrable domain of the host") {
  CHECK(platform_of("https://user@www.youtube.com:443/watch?v=1") == "youtube.com");
  CHECK(platform_of("someone@t.me") == "t.me");
  CHECK(platform_of("forum.example.com.pk/thread/7") == "example.com.pk");
  CHECK(platform_of("@@").empty());
}

TEST_CASE("referrals: the ledger and its CSV come back as they were") {
  const auto jsonl = read_referrals(write_referrals(some()));
  REQUIRE(jsonl.has_value());
  CHECK(*jsonl == some());
  const auto csv = read_referrals_csv(write_referrals_csv(some()));
  REQUIRE(csv.has_value());
  CHECK(*csv == some());
}

TEST_CASE("referrals: what is wrong in a ledger has its line") {
  const std::string good = write_referrals(some());
  CHECK(read_referrals(good + good).error().what.ends_with("stands twice"));
  CHECK(read_referrals(good + "{\"target\":\"x\"}\n").error().line == 4);
  CHECK(read_referrals(good + "{\"who\":\"x\"}\n").error().what == "unknown field \"who\"");
  CHECK(read_referrals_csv("heading\na,b,c\n").error().line == 2);
}

TEST_CASE("referrals: a target that comes again keeps the time when it was identified, and figures count it once") {
  std::vector<Referral> all = some();
  put_referral(all, {"some@t.me", "t.me", "", ReferralState::Refused, 9000, 9000, ""});
  CHECK(all.size() == 3);
  const auto figures = figures_of(all);
  REQUIRE(figures.size() == 2);
  CHECK((figures[0].platform == "t.me" && figures[0].identified == 1 && figures[0].refused == 1));
  CHECK((figures[1].platform == "youtube.com" && figures[1].identified == 2 && figures[1].referred == 2 &&
         figures[1].acted_on == 1));
}
