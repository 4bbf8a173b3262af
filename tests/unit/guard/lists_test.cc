#include "rules/guard/lists.h"

#include <libpsl.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "rules/guard/guard.h"
#include "rules/guard/guard_run.h"
#include "rules/text/public_suffix.h"
#include "tests/support/feeds.h"

using namespace sluice;
using namespace sluice::test;

TEST_CASE("guard lists: what ships reads without an error and is no public suffix by mistake") {
  const ShippedTexts texts = shipped_texts();
  CHECK(read_protected_names(texts.protected_names).has_value());
  for (const std::string_view text : {texts.popular, texts.platforms, texts.ordinary}) {
    CHECK(read_name_list(text).has_value());
  }
  const GuardLists lists = shipped_lists();
  CHECK(lists.protected_names.size() > 400);
  CHECK(lists.popular.size() > 500);
  CHECK(lists.platforms.size() > 300);
  CHECK(lists.ordinary.size() == 6000);
  for (const std::string& name : lists.ordinary) CHECK_FALSE(is_public_suffix(name));
}

TEST_CASE("guard lists: a protected name is a category, a scope and a name") {
  const auto read = read_protected_names("# why\n\n bank  subtree  Bank.Example \nca exact ocsp.example\n");
  REQUIRE(read.has_value());
  CHECK(*read ==
        std::vector<ProtectedName>{{"bank", Scope::Subtree, "bank.example"}, {"ca", Scope::Exact, "ocsp.example"}});
  const auto wrong = read_protected_names("bank.example\nbank wide bank.example\nbank exact a..b\nbank exact a b\n");
  REQUIRE_FALSE(wrong.has_value());
  REQUIRE(wrong.error().size() == 4);
  CHECK(wrong.error()[2].line == 3);
}

TEST_CASE("guard lists: a list of names may carry ranks") {
  const auto read = read_name_list("1,Google.com\r\n2,youtube.com\nplain.example\n");
  REQUIRE(read.has_value());
  CHECK(*read == std::vector<std::string>{"google.com", "youtube.com", "plain.example"});
  const auto wrong = read_name_list("a.example\nx,b.example\n");
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error()[0].line == 2);
}

TEST_CASE("guard G1: comes to the same as libpsl for every listed suffix and the names around it") {
  const Guard guard({}, {});
  std::size_t wrong = 0;
  for (const std::string& suffix : listed_public_suffixes()) {
    for (const std::string& text : {suffix, "x1." + suffix, "a.x1." + suffix}) {
      const bool above = is_above_public_suffix(text);
      const bool is_one = psl_is_public_suffix2(psl_builtin(), text.c_str(), PSL_TYPE_ANY) == 1;
      GuardRun run(guard, {.refusals_per_order = 20});
      run.order({});
      run.target(exact(text));
      const GuardReport report = run.finish(1);
      const bool refused = std::ranges::any_of(report.refusals, [](const GuardRefusal& r) { return r.code == "G1"; });
      wrong += refused != (above || is_one);
    }
  }
  CHECK(wrong == 0);
}
