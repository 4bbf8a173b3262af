#include "rules/text/pattern.h"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {
std::string said(std::string_view pattern) {
  const auto checked = check_pattern(pattern);
  return checked.has_value() ? "fine" : std::to_string(checked.error().offset) + ": " + checked.error().what;
}
bool fine(std::string_view pattern) {
  return check_pattern(pattern).has_value();
}
}  // namespace

TEST_CASE("pattern: the shapes that orders need are fine") {
  for (const char* pattern :
       {R"(mirror[0-9]{1,3}\.example\.(com|net))", R"([a-z0-9-]+news\.example\.org)",
        R"((www\.)?bad[a-f]?\.example\.co\.uk)", R"((?:a|b)c\.example\.test)", R"(x\d+y\.example)",
        R"([^.]+\.example\.org)", R"(\w*-mirror\.example\.org)", R"(([a-z]{1,5}\.){0,3}example\.org)",
        R"(a{3}\.example\.org)", R"([a-z0-9\-]x\.example)"}) {
    CAPTURE(pattern);
    CHECK(said(pattern) == "fine");
  }
}

TEST_CASE("pattern: must end in a public suffix and at least part of one more label, in every alternative") {
  CHECK_FALSE(fine(R"([a-z]+)"));
  CHECK_FALSE(fine(R"(news)"));
  CHECK_FALSE(fine(R"([a-z]+\.com)"));
  CHECK_FALSE(fine(R"(x\.[a-z]+)"));
  CHECK_FALSE(fine(R"(example\.(com|[a-z]+))"));
  CHECK_FALSE(fine(R"(example\.(com|))"));
  CHECK_FALSE(fine(R"((x|y*)\.com)"));
  CHECK_FALSE(fine(R"(x[a-z]*\.co\.uk)"));
  CHECK_FALSE(fine(R"([a-z]*co\.uk)"));
  CHECK_FALSE(fine(R"(co\.uk)"));
  CHECK_FALSE(fine(R"((abc|)\.com)"));
  CHECK_FALSE(fine(R"(example\.com[a-z]?)"));
  CHECK(fine(R"([a-z]*-mirrors\.com)"));
}

TEST_CASE("pattern: unbounded repeats stay inside one label") {
  CHECK(said(R"([a-z.]+\.example\.org)") == "0: an unbounded repeat must stay inside one label: no dot in it");
  CHECK(said(R"(x[^a]*\.example\.org)") == "1: an unbounded repeat must stay inside one label: no dot in it");
  CHECK(said(R"(([a-z]+\.)*example\.org)") == "0: an unbounded repeat must stay inside one label: no dot in it");
  CHECK(said(R"(\.{2,}example\.org)") == "0: an unbounded repeat must stay inside one label: no dot in it");
  CHECK(fine(R"([a-z.]{1,20}\.example\.org)"));
}

TEST_CASE("pattern: what is outside the language is told with its place") {
  CHECK(said("") == "0: a pattern has 1 to 1024 bytes");
  CHECK(said(std::string(1025, 'a')) == "0: a pattern has 1 to 1024 bytes");
  CHECK(said(R"(ab.\.example\.org)").starts_with("2: an unescaped \".\""));
  CHECK(said(R"(^a\.example\.org)").starts_with("0: anchors"));
  CHECK(said(R"(a\.example\.org$)").starts_with("15: anchors"));
  CHECK(said(R"(A\.example\.org)").starts_with("0: upper case"));
  CHECK(said(R"(a\.example\.org/x)") == "15: a character that no name has");
  CHECK(said(R"((a\.example\.org)") == "0: a \"(\" that nothing closes");
  CHECK(said("a\\.example\\.org)") == "15: a \")\" that nothing opened");
  CHECK(said(R"([a\.example\.org)") == "0: a \"[\" that nothing closes");
  CHECK(said(R"([]\.example\.org)") == "0: an empty class");
  CHECK(said(R"((?i)a\.example\.org)") == "0: only plain groups and (?: … )");
  CHECK(said(R"((?=a)a\.example\.org)") == "0: only plain groups and (?: … )");
  CHECK(said(R"((a)\1\.example\.org)") == R"(3: only \. \- \d and \w)");
  CHECK(said(R"(a\)").starts_with("1: a \"\\\" at the end"));
  CHECK(said(R"(a{2,1}\.example\.org)") == "1: an empty range of repeats");
  CHECK(said(R"(a{0}\.example\.org)") == "1: an empty range of repeats");
  CHECK(said(R"(a{999}\.example\.org)") == "1: expected {n}, {n,} or {n,m} with numbers up to 253");
  CHECK(said(R"(a{x}\.example\.org)") == "1: expected {n}, {n,} or {n,m} with numbers up to 253");
  CHECK(said(R"(a+?\.example\.org)") == "2: a repeat of a repeat: use a group");
  CHECK(said(R"([a-_]\.example\.org)") == "2: a range must go from letter to letter or digit to digit");
  CHECK(said(std::string(40, '(') + "a" + std::string(40, ')')) == "32: nested too deeply");
  CHECK(said(R"(*a\.example\.org)") == "0: a character that no name has");
}

TEST_CASE("pattern: what only Hyperscan can tell, it tells") {
  CHECK_FALSE(fine(R"([z-a]\.example\.org)"));
}

TEST_CASE("pattern: must not match a public suffix, also where its ending alone does not tell") {
  CHECK(said(R"([a-z]*o\.uk)") == "0: matches co.uk, a public suffix");
  CHECK(said(R"([a-z.]{1,60}k\.com)").ends_with("a public suffix"));
  CHECK(fine(R"([b-z]?o\.example\.uk)"));
}

TEST_CASE("pattern: alternatives cannot multiply without bound") {
  std::string pattern;
  for (int i = 0; i < 12; ++i) pattern += "(a|b)";
  CHECK(said(pattern + R"(\.example\.org)").find("too many alternatives") != std::string::npos);
}
