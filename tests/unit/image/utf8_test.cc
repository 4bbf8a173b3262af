#include "rules/image/utf8.h"

#include <catch2/catch.hpp>

using sluice::is_utf8;

TEST_CASE("utf8: takes every length, refuses overlong forms, surrogates, ends and strays") {
  for (const char* text :
       {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xd8\xa7\xd8\xb1\xd8\xaf\xd9\x88"}) {
    CHECK(is_utf8(text));
  }
  for (const char* text : {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80",
                           "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2\x82"}) {
    CHECK_FALSE(is_utf8(text));
  }
}
