#include "rules/model/name.h"

#include <catch2/catch.hpp>
#include <string>

using namespace sluice;

namespace {

std::string canonical(std::string_view text) {
  const auto name = canonical_name(text);
  return name.has_value() ? name->text() : "error: " + std::string(to_string(name.error()));
}

NameError error_of(std::string_view text) {
  const auto name = canonical_name(text);
  REQUIRE_FALSE(name.has_value());
  return name.error();
}

std::string repeated(std::string_view piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

}  // namespace

TEST_CASE("canonical_name: folds case and strips one trailing dot") {
  CHECK(canonical("News.Example.ORG") == "news.example.org");
  CHECK(canonical("news.example.org.") == "news.example.org");
  CHECK(error_of("news.example.org..") == NameError::EmptyLabel);
  CHECK(canonical("org") == "org");
}

TEST_CASE("canonical_name: keeps underscores, hyphens and digits anywhere in a label") {
  CHECK(canonical("_dmarc.Example.org") == "_dmarc.example.org");
  CHECK(canonical("r3---sn-4g5e6nzz.example.com") == "r3---sn-4g5e6nzz.example.com");
  CHECK(canonical("-dash-.example.com") == "-dash-.example.com");
  CHECK(canonical("1.2.3.4") == "1.2.3.4");
}

TEST_CASE("canonical_name: turns U-labels into A-labels, non-transitionally") {
  CHECK(canonical("b\xc3\xbc"
                  "cher.example") == "xn--bcher-kva.example");
  CHECK(canonical("fa\xc3\x9f.de") == "xn--fa-hia.de");
  CHECK(canonical("B\xc3\x9c"
                  "CHER.example") == "xn--bcher-kva.example");
  CHECK(canonical("\xd8\xae\xd8\xa8\xd8\xb1.example") == "xn--ngblk.example");
}

TEST_CASE("canonical_name: composed and decomposed spellings are one name") {
  CHECK(canonical("bu\xcc\x88"
                  "cher.example") == canonical("b\xc3\xbc"
                                               "cher.example"));
}

TEST_CASE("canonical_name: an A-label must round-trip") {
  CHECK(canonical("XN--BCHER-KVA.example") == "xn--bcher-kva.example");
  CHECK(error_of("xn--a.example") == NameError::BadIdn);
  CHECK(error_of("xn--.example") == NameError::BadIdn);
  CHECK(error_of("xn--abc-.example") == NameError::BadIdn);
  CHECK(error_of("xn--\xc3\xbc.example") == NameError::BadIdn);
}

TEST_CASE("canonical_name: refuses empty names and labels") {
  CHECK(error_of("") == NameError::Empty);
  CHECK(error_of(".") == NameError::Empty);
  CHECK(error_of("..") == NameError::EmptyLabel);
  CHECK(error_of("a..b") == NameError::EmptyLabel);
  CHECK(error_of(".a") == NameError::EmptyLabel);
}

TEST_CASE("canonical_name: refuses a label that mapping empties") {
  CHECK_FALSE(canonical_name("a.\xc2\xad.b").has_value());
  CHECK_FALSE(canonical_name("\xc2\xad").has_value());
}

TEST_CASE("canonical_name: refuses wildcards") {
  CHECK(error_of("*.example.com") == NameError::Wildcard);
  CHECK(error_of("a*.example.com") == NameError::Wildcard);
  CHECK(error_of("\xef\xbc\x8a.example.com") == NameError::Wildcard);
}

TEST_CASE("canonical_name: refuses dots that mapping makes") {
  CHECK(error_of("a\xe3\x80\x82"
                 "b") == NameError::BadCharacter);
  CHECK(error_of("a\xef\xbc\x8e"
                 "b.example") == NameError::BadCharacter);
}

TEST_CASE("canonical_name: refuses bytes that no host name has") {
  CHECK(error_of("a b.example") == NameError::BadCharacter);
  CHECK(error_of("https://example.org/") == NameError::BadCharacter);
  CHECK(error_of("a@example.org") == NameError::BadCharacter);
  CHECK(error_of(std::string_view("a\0b", 3)) == NameError::BadCharacter);
  CHECK(error_of("a\tb") == NameError::BadCharacter);
  CHECK(error_of("a\xe2\x84\x80"
                 "b.example") == NameError::BadCharacter);  // U+2100 maps to a/c
}

TEST_CASE("canonical_name: refuses what is not UTF-8") {
  CHECK(error_of("\xff.example") == NameError::BadUtf8);
  CHECK(error_of("a\xc3") == NameError::BadUtf8);
  CHECK(error_of("\xed\xa0\x80.example") == NameError::BadUtf8);
}

TEST_CASE("canonical_name: labels hold at most 63 bytes in A-label form") {
  CHECK(canonical(repeated("a", 63) + ".example") == repeated("a", 63) + ".example");
  CHECK(error_of(repeated("a", 64) + ".example") == NameError::LabelTooLong);
  CHECK(error_of(repeated("\xc3\xbc", 62) + ".example") == NameError::LabelTooLong);
}

TEST_CASE("canonical_name: names hold at most 253 bytes") {
  const std::string longest = repeated("abcdefghi.", 25) + "abc";
  REQUIRE(longest.size() == 253);
  CHECK(canonical(longest) == longest);
  CHECK(canonical(longest + ".") == longest);
  CHECK(error_of(longest + "d") == NameError::TooLong);
  CHECK(error_of(std::string(100'000, 'a')) == NameError::TooLong);
}

TEST_CASE("canonical_name: canonical text is a fixed point") {
  for (const char* text : {"b\xc3\xbc"
                           "cher.example",
                           "fa\xc3\x9f.de", "_x.a-b.test", "\xe6\x97\xa5\xe6\x9c\xac.jp"}) {
    const std::string once = canonical(text);
    CHECK(canonical(once) == once);
  }
}

TEST_CASE("is_same_or_below: cuts at label borders only") {
  CHECK(is_same_or_below("t.me", "t.me"));
  CHECK(is_same_or_below("a.t.me", "t.me"));
  CHECK_FALSE(is_same_or_below("tt.me", "t.me"));
  CHECK_FALSE(is_same_or_below("me", "t.me"));
}

TEST_CASE("mixes_scripts: sees Latin with Cyrillic in one label, also through an A-label") {
  const std::string mixed = "p\xd0\xb0ypal.example";  // Cyrillic a
  CHECK(mixes_scripts(mixed));
  CHECK(mixes_scripts(canonical(mixed)));
}

TEST_CASE("mixes_scripts: each label has its own script") {
  CHECK_FALSE(mixes_scripts("\xd0\xbf\xd0\xb0.example"));
  CHECK_FALSE(mixes_scripts("abc-123_x.example"));
}

TEST_CASE("mixes_scripts: Japanese and Korean writing count as one script") {
  CHECK_FALSE(mixes_scripts("\xe6\x97\xa5\xe3\x81\xae\xe3\x82\xab"));  // Han, Hiragana, Katakana
  CHECK_FALSE(mixes_scripts("\xe6\x97\xa5\xed\x95\x9c"));              // Han, Hangul
  CHECK(mixes_scripts("\xe6\x97\xa5\xe3\x81\xae\xed\x95\x9c"));        // Han, Hiragana, Hangul
}
