#include "rules/text/json_writer.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace sluice;

namespace {
std::string quoted(std::string_view text) {
  std::string out;
  JsonWriter(out).value(text);
  return out;
}
}  // namespace

TEST_CASE("json_writer: puts commas between members and items, nowhere else") {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("empty").begin_object().end_object();
  json.key("list").begin_array().value(1).value("a").begin_array().end_array().value(true).null().end_array();
  json.member("n", -5).member("u", std::numeric_limits<std::uint64_t>::max()).member("d", 0.5).end_object();
  CHECK(out == R"({"empty":{},"list":[1,"a",[],true,null],"n":-5,"u":18446744073709551615,"d":0.5})");
}

TEST_CASE("json_writer: escapes what JSON cannot hold and nothing else") {
  CHECK(quoted("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(quoted("\b\f\n\r\t") == R"("\b\f\n\r\t")");
  CHECK(quoted(std::string_view("\0\x1f\x7f", 3)) == "\"\\u0000\\u001f\x7f\"");
  CHECK(quoted("\xd8\xa7\xd8\xb1\xd8\xaf\xd9\x88") == "\"\xd8\xa7\xd8\xb1\xd8\xaf\xd9\x88\"");
}

TEST_CASE("json_writer: replaces bytes that are not UTF-8") {
  CHECK(quoted("a\xff"
               "b") ==
        "\"a\xef\xbf\xbd"
        "b\"");
  CHECK(quoted("\xc3") == "\"\xef\xbf\xbd\"");
  CHECK(quoted("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST_CASE("json_writer: leaves out empty optional members") {
  std::string out;
  JsonWriter(out).begin_object().member_if("a", "").member_if("b", "x").end_object();
  CHECK(out == R"({"b":"x"})");
}

TEST_CASE("json_writer: numbers that are not finite become null") {
  std::string out;
  JsonWriter(out).value(std::numeric_limits<double>::infinity());
  CHECK(out == "null");
}
