#include "control/journal/journal.h"

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("journal: a line is level, message, fields") {
  CHECK(log_line(LogLevel::Notice, "bundle accepted", {{"feed", "a.example/x"}, {"seq", "7"}}) ==
        "NOTICE bundle accepted feed=a.example/x seq=7");
}

TEST_CASE("journal: a value cannot forge a line or a field") {
  CHECK(log_line(LogLevel::Error, "m", {{"detail", "a\nERROR b"}}) == "ERROR m detail=\"a\\x0aERROR b\"");
  CHECK(log_line(LogLevel::Error, "m", {{"detail", "x seq=9"}}) == "ERROR m detail=\"x seq=9\"");
  CHECK(log_line(LogLevel::Error, "m", {{"detail", "a\"b\\"}}) == "ERROR m detail=\"a\\\"b\\\\\"");
  CHECK(log_line(LogLevel::Error, "m", {{"detail", ""}}) == "ERROR m detail=\"\"");
}
