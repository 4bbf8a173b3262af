#include "rules/convert/imported.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "rules/convert/rpz.h"
#include "rules/text/orders_yaml.h"
#include "tests/support/feeds.h"

using namespace sluice;
using namespace sluice::test;

namespace {

/// "name/exact" and "-name/subtree" (an exception), one after the other; "#number" behind it where there is one.
std::string names_of(const Imported& imported) {
  std::string out;
  for (const ImportedName& name : imported.names) {
    out += (out.empty() ? "" : " ") + std::string(name.action == OrderAction::Allow ? "-" : "") +
           name.target.name.text() + (name.target.scope == Scope::Exact ? "/exact" : "/subtree") +
           (name.number.empty() ? "" : "#" + name.number);
  }
  return out;
}
/// The lines of what was lost.
std::string lost(const Imported& imported) {
  std::string out;
  for (const TextError& loss : imported.losses) {
    out += (out.empty() ? "" : " ") + std::to_string(loss.line) + (loss.subject.empty() ? "" : "!");
  }
  return out;
}

}  // namespace

TEST_CASE("import: a hosts file blocks exact names, and only what leads nowhere") {
  const Imported got = import_hosts(
      "# comment\n0.0.0.0 One.example two.example # why\r\n127.0.0.1\tlocalhost\n:: three.example\n"
      "192.0.2.7 moved.example\n0.0.0.0\n0.0.0.0 com\n0.0.0.0 *.four.example\n");
  CHECK(names_of(got) == "one.example/exact three.example/exact two.example/exact");
  CHECK(lost(got) == "3 5 6 7 8");
}

TEST_CASE("import: a plain list has the width that is asked for; URLs and accounts are for the ledger") {
  const char* text =
      "# comment\none.example # why\n\n*.two.example\nhttps://three.example/page#top\nsome@four.example\none.example\n";
  CHECK(names_of(import_plain(text, Scope::Subtree)) == "one.example/subtree");
  const Imported exact = import_plain(text, Scope::Exact);
  CHECK(names_of(exact) == "one.example/exact");
  CHECK(lost(exact) == "4 5! 6!");
  CHECK(exact.losses[1].subject == "https://three.example/page#top");
}

TEST_CASE("import: of adblock rules those for whole names are taken") {
  const Imported got = import_adblock(
      "[Adblock Plus]\n! "
      "comment\n||one.example^\n@@||ok.one.example^\n||two.example^$important\n||three.example^$third-party\n"
      "||four.example/page\n||five.\n/ads[0-9]/\nsix.example##.banner\n||*.seven.example^\n|https://eight.example/"
      "x|\n||nine.example\n");
  CHECK(names_of(got) == "one.example/subtree two.example/subtree -ok.one.example/subtree");
  CHECK(lost(got) == "6 7! 8 9 10 11 12! 13");
}

TEST_CASE("import: CSV columns mean what is declared, quotes and line ends in them too") {
  CHECK_FALSE(csv_columns("name,name").has_value());
  CHECK_FALSE(csv_columns("scope,number").has_value());
  CHECK_FALSE(csv_columns("name,width").has_value());
  const CsvShape shape{*csv_columns("number,-,name,scope"), {}, ';', true};
  const Imported got = import_csv(
      "No;Why;Name;Width\r\n1/26;\"a; "
      "\"\"b\"\"\nc\";one.example;exact\r\n2/26;;two.example;subtree\n3/26;;three.example;\n4/26;x\n",
      shape);
  CHECK(names_of(got) == "one.example/exact#1/26 two.example/subtree#2/26");
  CHECK(lost(got) == "5 6");
}

TEST_CASE("import: a policy zone's names and wildcards become exact names and subtrees") {
  const Imported got = import_rpz(
      "$ORIGIN rpz.example.\n$TTL 60\n@ IN SOA localhost. host.localhost. (1 ; serial\n 60 60 604800 60)\n NS "
      "localhost.\n"
      "one.example CNAME .\nTwo.example 30 IN CNAME *.\n*.two.example CNAME .\nok.two.example CNAME rpz-passthru.\n"
      "*.three.example CNAME .\nfour.example A 192.0.2.1\n32.1.2.0.192.rpz-ip CNAME .\nfive.example CNAME "
      "other.example.\n"
      "six.example.rpz.example. CNAME rpz-drop.\nseven.example. CNAME .\n$INCLUDE more\n");
  CHECK(names_of(got) == "one.example/exact six.example/exact two.example/subtree -ok.two.example/exact");
  CHECK(lost(got) == "11 12 13 15 16 10");
}

TEST_CASE("import: what export writes as a policy zone comes back as it was") {
  std::vector<Feed> feeds{
      feed("a", {}, {block("A-100", {subtree("one.example"), exact("two.example"), subtree("a.b.three.example")})})};
  const Imported got = import_rpz(write_rpz(feeds, {name("rpz.example"), 1}).text);
  CHECK(names_of(got) == "a.b.three.example/subtree one.example/subtree two.example/exact");
  CHECK(got.losses.empty());
}

TEST_CASE("import: an XML dump gives names; URLs are for the ledger, addresses and masks are lost") {
  const Imported got = import_dump_xml(R"(<?xml version="1.0" encoding="windows-1251"?>
<reg:register xmlns:reg="urn:x" updateTime="2026-11-01T00:00:00">
<content id="1" blockType="domain"><decision number="12" org="x"/><domain><![CDATA[One.example]]></domain><ip>192.0.2.1</ip></content>
<content id="2"><decision number="13"/><url><![CDATA[https://two.example/page]]></url><domain>two.example</domain></content>
<content id="3" blockType="domain-mask"><decision number="14"/><domain>*.three.example</domain></content>
<content id="4" blockType="ip"><decision number="15"/><ip>192.0.2.4</ip></content>
<content id="5" blockType="domain"><decision number="12"/><domain>five.example</domain></content>
</reg:register>)");
  CHECK(names_of(got) == "five.example/exact#12 one.example/exact#12");
  CHECK(lost(got) == "4! 5 6");
}

TEST_CASE("import: XML with a DTD, with entities of its own or cut short ends there") {
  const char* bomb = R"(<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<register><content blockType="domain"><domain>one.example&b;</domain></content></register>)";
  CHECK(names_of(import_dump_xml(bomb)).empty());
  CHECK(import_dump_xml(bomb).losses.size() == 1);
  const Imported cut = import_dump_xml(
      "<register><content blockType='domain'><domain>one.example</domain></content>\n<content><domain>two");
  CHECK(names_of(cut) == "one.example/exact");
  CHECK(lost(cut) == "2");
}

TEST_CASE("import: the order file that is written checks") {
  const Imported got = import_adblock(
      "||one.example^\n||b\xc3\xbc"
      "cher.example^\n@@||ok.one.example^\n");
  const std::string text = write_order_file(got, {R"(schema: sluice/orders/1
feed: a.example/list
defaults: {authority: A, basis: {law: L}, reason: {en: R}, appeal: {email: a@b.example}, effective: 2026-11-01T00:00:00Z, expires: 2026-12-01T00:00:00Z})",
                                                  "LIST-2026", "7/2026", "orders"})
                               .text;
  const auto read = read_orders(text, "orders.yaml", {});
  REQUIRE(read.has_value());
  REQUIRE(read->orders.size() == 2);
  CHECK(read->orders[0].order.id == "LIST-2026");
  CHECK(read->orders[0].targets.size() == 2);
  CHECK(read->orders[1].order.id == "LIST-2026-2");
  CHECK(read->orders[1].order.action == OrderAction::Allow);
}

TEST_CASE("import: many names of one order go into a names file") {
  std::string list;
  for (int i = 0; i < 1500; ++i) list += "site" + std::to_string(i) + ".example\n";
  const OrderFileText file = write_order_file(import_plain(list, Scope::Exact), {"feed: f\n", "A-100", "1", "list"});
  REQUIRE(file.names_files.size() == 1);
  CHECK(file.names_files[0].first == "list-A-100-exact.txt");
  CHECK(std::ranges::count(file.names_files[0].second, '\n') == 1500);
  CHECK(file.text.ends_with("      - {names_file: \"list-A-100-exact.txt\", scope: exact}\n"));
}
