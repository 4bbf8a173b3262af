#include "rules/convert/export_list.h"

#include <catch2/catch.hpp>

#include "tests/support/feeds.h"

using namespace sluice;
using namespace sluice::test;

namespace {

std::vector<Feed> some_feeds() {
  std::vector<Feed> feeds{
      feed("a.example/list", {},
           {block("A-100", {subtree("wide.example"), exact("one.example"), pattern("x[0-9]\\.p\\.example")}),
            block("A-200", {subtree("whole.example")}),
            allow("A-300", {subtree("ok.wide.example"), exact("www.wide.example")})})};
  feeds[0].snapshot.header.seq = 7;
  feeds[0].snapshot.header.expires = 86400;
  return feeds;
}
/// Without the comments.
std::string lines_of(ListFormat format, Scope scope = Scope::Exact) {
  const ListExport got = export_list(some_feeds(), {format, scope, 1});
  std::string out;
  for (std::string_view rest = got.text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    if (rest.front() != '#') out += std::string(rest.substr(0, end + 1));
    rest.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

TEST_CASE("export: every list begins with serial, feeds and expiry, and says what it leaves out") {
  const ListExport got = export_list(some_feeds(), {ListFormat::Hosts, Scope::Exact, 1});
  CHECK(
      got.text.starts_with("# Blocked names, of Sluice. Serial 1, orders in force at 1970-01-01T00:00:01Z\n"
                           "# feed a.example/list epoch 0 seq 7 expires 1970-01-02T00:00:00Z\n"));
  CHECK(got.text.find("# left out, a pattern: order A-100 x[0-9]\\.p\\.example\n") != std::string::npos);
  CHECK(got.text.find("# left out, a hosts file has no subtrees: order A-200 *.whole.example\n") != std::string::npos);
}

TEST_CASE("export: a hosts file names what is blocked, and no exception") {
  CHECK(lines_of(ListFormat::Hosts) ==
        "0.0.0.0 one.example\n:: one.example\n0.0.0.0 whole.example\n:: whole.example\n"
        "0.0.0.0 wide.example\n:: wide.example\n");
}

TEST_CASE("export: a plain list holds one width, and no subtree with an exception in it") {
  CHECK(lines_of(ListFormat::Plain, Scope::Exact) == "one.example\n");
  CHECK(lines_of(ListFormat::Plain, Scope::Subtree) == "whole.example\n");
}

TEST_CASE("export: unbound's zones block, let pass below, and answer exact names alone") {
  CHECK(
      lines_of(ListFormat::Unbound) ==
      "server:\n  local-zone: \"one.example.\" transparent\n  local-data: 'one.example. 60 IN TXT \"A-100\"'\n"
      "  local-zone: \"whole.example.\" always_nodata\n"
      "  local-zone: \"ok.wide.example.\" always_transparent\n  local-zone: \"www.wide.example.\" always_transparent\n"
      "  local-zone: \"wide.example.\" always_nodata\n");
}

TEST_CASE("export: dnsmasq's words") {
  CHECK(lines_of(ListFormat::Dnsmasq) ==
        "host-record=one.example,0.0.0.0,::\naddress=/whole.example/\n"
        "server=/ok.wide.example/#\nserver=/www.wide.example/#\naddress=/wide.example/\n");
}
