#include "control/ctl/show.h"

#include <catch2/catch.hpp>

#include "control/ctl/author.h"
#include "control/ctl/client.h"
#include "control/ctl/table.h"

using namespace sluice;

TEST_CASE("table: columns line up, numbers flush right, nothing trails") {
  Table table({"NAME", ">N", "LAST"});
  table.row({"a", "1", "x"});
  table.row({"bücher", "1 000", ""});
  CHECK(table.text() ==
        "NAME        N  LAST\n"
        "a           1  x\n"
        "bücher  1 000\n");
}

TEST_CASE("text from elsewhere cannot steer the terminal") {
  CHECK(printable("a\x1b[2Jb\n") == "a?[2Jb?");
  CHECK(show_why("{\"name\":\"a\\u001b[2J\",\"blocked\":false}", 0) == "a?[2J: nothing blocks it\n");
}

TEST_CASE("numbers and durations read well") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1234567) == "1 234 567");
  CHECK(duration(0) == "0 s");
  CHECK(duration(61) == "1 min 1 s");
  CHECK(duration(3600) == "1 h");
  CHECK(duration(90061) == "1 d 1 h");
  CHECK(duration(86400 + 59) == "1 d");
  CHECK(duration(-60) == "-1 min");
  CHECK(duration_from("14d") == 14 * 86400);
  CHECK(duration_from("90s") == 90);
  for (const char* bad : {"", "d", "14", "14x", "-1d", "1dd", "0d", "4294967296d"})
    CHECK_FALSE(duration_from(bad).has_value());
}

TEST_CASE("arguments travel percent-encoded") {
  CHECK(percent_encoded("a.b-c_d~e") == "a.b-c_d~e");
  CHECK(percent_encoded("a b&c=d%") == "a%20b%26c%3Dd%25");
  CHECK(percent_encoded("ü") == "%C3%BC");
}

TEST_CASE("status: what a person looks for stands there, also where half of it is missing") {
  const std::string text = show_status(
      R"({"feeds":[{"feed":"a.example/x","state":"active","epoch":1,"seq":7,"sha256":"abcdef0123456789","issued":"2027-01-01T00:00:00Z",)"
      R"("expires":"2027-01-15T08:00:00Z","orders":2,"targets":1000000}],"image":null,"dataplane":{"enabled":true,"reachable":false,)"
      R"("health":null},"counters":null,"wire":[],"waiting":[],"alarms":[{"code":"rollback","feed":"a.example/x","detail":"d",)"
      R"("since":"2027-01-01T00:00:00Z","count":2}]})",
      1'800'000'000, false);
  CHECK(text.find("a.example/x  active      1    7       2  1 000 000  abcdef012345  2027-01-15 08:00 (in 0 s)") !=
        std::string::npos);
  CHECK(text.find("nothing is enforced") != std::string::npos);
  CHECK(text.find("OUT OF REACH") != std::string::npos);
  CHECK(text.find("rollback  a.example/x      2  14 d 8 h ago  d") != std::string::npos);
}

TEST_CASE("status: a data plane that runs without counters to read is told") {
  const std::string head = R"({"feeds":[],"image":null,"dataplane":{"enabled":true,"reachable":true,"health":{}},)";
  CHECK(show_status(head + R"("counters":null})", 0, false).find("counters  NOT READABLE") != std::string::npos);
  CHECK(show_status(head + R"("counters":{}})", 0, false).find("NOT READABLE") == std::string::npos);
}

TEST_CASE("status: --causes shows every cause with its row of the policy table, counted or not") {
  const std::string status = R"({"feeds":[],"counters":{"causes":{"too-deep":1234,"no-image":0,"tombstone":7},)"
                             R"("policy":{"too-deep":"drop","no-image":"forward","tombstone":"always-drop"}}})";
  const std::string text = show_status(status, 0, true);
  CHECK(text.find("CAUSE      POLICY       PACKETS\n"
                  "too-deep   drop           1 234\n"
                  "no-image   forward            0\n"
                  "tombstone  always-drop        7\n") != std::string::npos);
  CHECK(show_status(status, 0, false).find("too-deep") == std::string::npos);
}

TEST_CASE("what an answer leaves out is not shown, and harms nothing") {
  CHECK(show_status("{}", 0, true).find("no alarms") != std::string::npos);
  CHECK(show_status(R"({"dataplane":{"enabled":true,"reachable":true,"health":{}},"counters":{}})", 0, true)
            .find("workers   0") != std::string::npos);
  CHECK(show_why(R"({"name":"a.test","blocked":true})", 0).starts_with("a.test: blocked ()"));
  CHECK(show_orders(R"({"orders":[{}]})").starts_with("ORDER"));
  CHECK(show_apply("{}").empty());
  CHECK(show_apply(R"({"bundles":[]})") == "nothing new in the inbox\n");
}

TEST_CASE("status: totals of the wire stand in their columns") {
  const std::string text = show_status(
      R"({"wire":[{"interface":"eth1","bypass":true,"fallback":"drop","counters":{"steered":{"pkts":11,"bytes":1},)"
      R"("bypass":{"pkts":12,"bytes":1},"no_socket":{"pkts":13,"bytes":1},"stale":{"pkts":14,"bytes":1},)"
      R"("dropped":{"pkts":15,"bytes":1}}}]})",
      0, false);
  CHECK(text.find("eth1  ON      drop           11        12         13     14       15") != std::string::npos);
}

TEST_CASE("what is not the expected answer prints as nothing") {
  for (const char* bad : {"", "[]", "null", "{\"a\":", "7"}) {
    CHECK(show_status(bad, 0, false).empty());
    CHECK(show_why(bad, 0).empty());
    CHECK(show_orders(bad).empty());
    CHECK(show_apply(bad).empty());
  }
}
