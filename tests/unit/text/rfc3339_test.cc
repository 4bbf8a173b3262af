#include "rules/text/rfc3339.h"

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("parse_rfc3339: reads UTC with whole seconds") {
  CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_rfc3339("2026-11-02T00:00:00Z") == 1793577600);
  CHECK(parse_rfc3339("2024-02-29T23:59:59Z") == 1709251199);
  CHECK(parse_rfc3339("9999-12-31T23:59:59Z") == 253402300799);
}

TEST_CASE("parse_rfc3339: refuses every other form") {
  for (const char* text : {"",
                           "2026-11-02",
                           "2026-11-02T00:00:00",
                           "2026-11-02t00:00:00Z",
                           "2026-11-02T00:00:00z",
                           "2026-11-02 00:00:00Z",
                           "2026-11-02T00:00:00+00:00",
                           "2026-11-02T00:00:00.0Z",
                           "2026-11-02T00:00Z",
                           "2026-11-2T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-11-31T00:00:00Z",
                           "2025-02-29T00:00:00Z",
                           "2026-11-02T24:00:00Z",
                           "2026-11-02T00:60:00Z",
                           "2026-11-02T23:59:60Z",
                           "1969-12-31T23:59:59Z",
                           "2026-11-02T-1:00:00Z",
                           " 2026-11-02T00:00:00Z",
                           "2026-11-02T00:00:00Z "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rfc3339(text).has_value());
  }
}

TEST_CASE("format_rfc3339: is the inverse of parse_rfc3339") {
  for (const char* text :
       {"1970-01-01T00:00:00Z", "2026-11-02T01:02:03Z", "2024-02-29T23:59:59Z", "9999-12-31T23:59:59Z"}) {
    CHECK(format_rfc3339(parse_rfc3339(text).value()) == text);
  }
}

TEST_CASE("parse_date: reads a day of the calendar") {
  CHECK(parse_date("2026-11-02") == 1793577600);
  CHECK_FALSE(parse_date("2026-11-31").has_value());
  CHECK_FALSE(parse_date("2026-11-02T00:00:00Z").has_value());
  CHECK_FALSE(parse_date("02-11-2026").has_value());
}
