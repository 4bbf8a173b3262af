#include "rules/text/orders_yaml.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "rules/text/bundle_jsonl.h"
#include "tests/unit/text/example_orders.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr std::string_view kHead = R"(schema: sluice/orders/1
feed: pta.example/terror
orders:
)";

/// Lines 4 to 13 of a file.
constexpr std::string_view kOrder = R"(  - id: AAA-1
    number: "1"
    action: block
    authority: A
    basis: {law: L}
    reason: {en: R}
    appeal: {email: a@example.org}
    effective: 2026-11-02T00:00:00Z
    expires: 2027-05-01T00:00:00Z
    targets: [{name: a.test, scope: exact}]
)";

const std::map<std::string, std::string> kNamesFiles = {
    {"annex.txt", "# names\n\none.test\n  two.test \r\nOne.Test.\n"},
    {"bad.txt", "ok.test\n a..b\n1.2.3.4\ncom"},
    {"empty.txt", "# none\n"}};

Result<std::string, std::string> names_file(const std::string& path) {
  const auto found = kNamesFiles.find(path);
  if (found == kNamesFiles.end()) return std::unexpected("No such file");
  return found->second;
}

auto read(std::string_view text) {
  return read_orders(text, "dir/o.yaml", names_file);
}

std::string one_order() {
  return std::string(kHead) + std::string(kOrder);
}

std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// All errors, a line each.
std::string errors_of(std::string_view text) {
  const auto orders = read(text);
  std::string out;
  if (orders.has_value()) return "none";
  for (const FileError& e : orders.error()) out += (out.empty() ? "" : "\n") + to_string(e);
  return out;
}
std::string bad(std::string_view from, std::string_view to) {
  return errors_of(with(one_order(), from, to));
}
std::string bad_target(std::string_view target) {
  return bad("{name: a.test, scope: exact}", target);
}
/// The code and place of a one-name block order.
std::string name_error(std::string_view name) {
  const auto orders = read(with(one_order(), "a.test", name));
  if (orders.has_value()) return "none";
  const TextError& e = orders.error().front().error;
  return std::to_string(e.line) + ":" + std::to_string(e.column) + ":" + (e.code.empty() ? e.what : e.code);
}

}  // namespace

TEST_CASE("orders: a small order is read as it stands") {
  const auto orders = read(one_order());
  REQUIRE(orders.has_value());
  CHECK(orders->feed == "pta.example/terror");
  CHECK(orders->orders == std::vector<OrderWithTargets>{small_order()});
  CHECK(orders->warnings.empty());
}

TEST_CASE("orders: every field is read") {
  const auto orders = read(R"(schema: sluice/orders/1
feed: pta.example/terror
orders:
  - id: NCCIA-2026-00481
    number: "481/2026"
    action: block
    authority: National Agency
    targets:
      - {name: News.Example.org., scope: subtree}
      - {name: www.example.net, scope: exact}
      - {pattern: 'mirror[0-9]{1,3}\.example\.(com|net)'}
    methods: [sni, dns]
    qtypes: all
    effective: 2026-11-02T00:00:00Z
    expires: 2026-11-04T00:00:00Z
    urgency: emergency
    renews: NCCIA-2026-00102
    basis: {law: "Act of 2016, section 37", court: 'High Court "A"', listings: [{list: UN-1267, ref: QDe.132, organisation: Some organisation}, {list: UN-1988}]}
    reason: {en: Blocked, ur: "بند"}
    appeal: {url: "https://appeal.example/", email: appeals@example.org}
    attribution: {evidence_sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, assessed_at: 2026-10-30}
    necessity: {host_notice_at: 2026-10-20, not_notified: host unknown, justification: needed}
    publication: {delayed_until: 2026-11-03T00:00:00Z}
    overrides: [{guard: G5, why: the whole platform}]
)");
  REQUIRE(orders.has_value());
  CHECK(orders->orders == std::vector<OrderWithTargets>{full_order()});
}

TEST_CASE("orders: defaults are merged, maps member by member, and the order's own word wins") {
  const auto orders = read(R"(schema: sluice/orders/1
feed: f
defaults:
  action: block
  authority: A
  basis: {law: L, court: C}
  reason: {en: R, ur: U}
  appeal: {email: a@example.org}
  methods: [dns]
  effective: 2026-11-02T00:00:00Z
  expires: 2027-05-01T00:00:00Z
orders:
  - {id: AAA-1, number: "1", targets: [{name: a.test, scope: exact}]}
  - {id: AAA-2, number: "2", targets: [{name: b.test, scope: exact}], action: allow, basis: {court: D}, reason: {en: S}, methods: [sni]}
)");
  REQUIRE(orders.has_value());
  const Order& first = orders->orders[0].order;
  const Order& second = orders->orders[1].order;
  CHECK(first.court == "C");
  CHECK(first.methods == bit(Method::Dns));
  CHECK(second.action == OrderAction::Allow);
  CHECK(second.law == "L");
  CHECK(second.court == "D");
  CHECK(second.reason == std::map<std::string, std::string>{{"en", "S"}, {"ur", "U"}});
  CHECK(second.methods == bit(Method::Sni));
}

TEST_CASE("orders: defaults say nothing that is each order's own") {
  for (const char* own : {"id: AAA-1", "number: '1'", "renews: AAA-0", "targets: []"}) {
    CAPTURE(own);
    const std::string field(own, std::string_view(own).find(':'));
    CHECK(errors_of(with(one_order(), "orders:\n", "defaults: {" + std::string(own) + "}\norders:\n")) ==
          "dir/o.yaml:3:" + std::to_string(12 + std::string(own).find(' ') + 1) + ": \"" + field +
              "\" is each order's own: not for defaults");
  }
}

TEST_CASE("orders: what must be said is asked for, at its place (G8)") {
  CHECK(bad("id: AAA-1", "id: aaa") == "dir/o.yaml:4:9: G8: id: must be [A-Z0-9][A-Z0-9._-]{2,63}");
  CHECK(bad("    number: \"1\"\n", "") == "dir/o.yaml:4:5: G8: number: required");
  CHECK(bad("    action: block\n", "") == "dir/o.yaml:4:5: G8: action: required");
  CHECK(bad("    authority: A\n", "") == "dir/o.yaml:4:5: G8: authority: required");
  CHECK(bad("{law: L}", "{court: C}") == "dir/o.yaml:8:12: G8: law: required");
  CHECK(bad("    reason: {en: R}\n", "") == "dir/o.yaml:4:5: G8: reason: required");
  CHECK(bad("    appeal: {email: a@example.org}\n", "") == "dir/o.yaml:4:5: G8: appeal: required: url or email");
  CHECK(bad("    effective: 2026-11-02T00:00:00Z\n", "").starts_with("dir/o.yaml:4:5: G8: effective: required"));
  CHECK(bad("    expires: 2027-05-01T00:00:00Z\n", "") == "dir/o.yaml:4:5: G8: expires: required");
  CHECK(bad("    targets: [{name: a.test, scope: exact}]\n", "") == "dir/o.yaml:4:5: G8: targets: required");
  CHECK(bad("[{name: a.test, scope: exact}]", "[]") == "dir/o.yaml:13:14: G8: targets: required");
  CHECK(bad(", scope: exact", "") == "dir/o.yaml:13:15: G8: scope: required (exact or subtree)");
}

TEST_CASE("orders: lengths are kept, at their place (G8)") {
  CHECK(bad("2027-05-01", "2027-11-02") == "none");
  CHECK(bad("2027-05-01", "2027-11-03") == "dir/o.yaml:12:14: G8: expires: more than 365 days after effective");
  CHECK(bad("2027-05-01", "2026-11-02") == "dir/o.yaml:12:14: G8: expires: not after effective");
  CHECK(bad("2027-05-01T00:00:00Z", "2026-11-05T00:00:00Z\n    urgency: emergency") == "none");
  CHECK(bad("2027-05-01T00:00:00Z", "2026-11-05T00:00:01Z\n    urgency: emergency") ==
        "dir/o.yaml:12:14: G8: expires: an emergency order lasts at most 72 hours");
  CHECK(bad("{en: R}", "{en: " + std::string(200, 'x') + "}") == "none");
  CHECK(bad("{en: R}", "{en: " + std::string(201, 'x') + "}") == "dir/o.yaml:9:13: G8: reason: en: over 200 bytes");
  CHECK(bad("authority: A", "authority: " + std::string(1025, 'x')) ==
        "dir/o.yaml:7:16: G8: authority: over 1024 bytes");
  CHECK(bad("{email: a@example.org}", "{url: 'javascript:x'}") ==
        "dir/o.yaml:10:13: G8: appeal: url must be an http:// or https:// address in printable ASCII");
  CHECK(bad("authority: A", "authority: \"a\\r\\nb\"") == "dir/o.yaml:7:16: G8: authority: a control character");
}

TEST_CASE("orders: malformed values are told with line and column") {
  CHECK(bad("action: block", "action: drop") == "dir/o.yaml:6:13: expected block or allow");
  CHECK(bad("2027-05-01T00:00:00Z", "2027-05-01") == "dir/o.yaml:12:14: expected a time like 2026-11-02T00:00:00Z");
  CHECK(bad("authority: A", "authority: [A]") == "dir/o.yaml:7:16: expected text");
  CHECK(bad("authority: A", "authority:") == "dir/o.yaml:7:5: expected text");
  CHECK(bad("authority: A", "authority: A\n    author: B") == "dir/o.yaml:8:5: unknown field \"author\"");
  CHECK(bad("{law: L}", "L") == "dir/o.yaml:8:12: expected a map");
  CHECK(bad("{law: L}", "{law: L, listings: [{name: x}]}") == "dir/o.yaml:8:33: unknown field \"name\"");
  CHECK(bad("authority: A", "authority: A\n    methods: [dns, tls]") ==
        "dir/o.yaml:8:20: expected dns, sni, quic or http");
  CHECK(bad("authority: A", "authority: A\n    methods: [dns, dns]") == "dir/o.yaml:8:20: method named twice");
  CHECK(bad("authority: A", "authority: A\n    methods: dns") == "dir/o.yaml:8:14: expected a list");
  CHECK(bad("authority: A", "authority: A\n    publication: {until: x}")
            .starts_with("dir/o.yaml:8:19: unknown field \"until\""));
  CHECK(bad("authority: A", "authority: A\n    attribution: {assessed_at: soon}") ==
        "dir/o.yaml:8:32: expected a date like 2026-11-02");
  CHECK(bad("sluice/orders/1", "sluice/orders/2") == "dir/o.yaml:1:9: schema must be sluice/orders/1");
  CHECK(bad("pta.example/terror", "PTA") == "dir/o.yaml:2:7: not a feed name");
  CHECK(bad("feed: pta.example/terror\n", "") == "dir/o.yaml:1:1: missing field \"feed\"");
  CHECK(errors_of("schema: sluice/orders/1\nfeed: f\norders: []\n") == "dir/o.yaml:3:9: at least one order");
  CHECK(errors_of("[]") == "dir/o.yaml:1:1: expected a map");
}

TEST_CASE("orders: all errors of a file are told, in the order of their places") {
  std::string text = with(one_order(), "action: block", "action: drop");
  text = with(text, "authority: A", "author: A");
  text = with(text, "a.test", "a..b");
  CHECK(errors_of(text) ==
        "dir/o.yaml:4:5: G8: authority: required\n"
        "dir/o.yaml:6:13: expected block or allow\n"
        "dir/o.yaml:7:5: unknown field \"author\"\n"
        "dir/o.yaml:13:22: empty label");
}

TEST_CASE("orders: an id stands once") {
  CHECK(errors_of(one_order() + std::string(kOrder)) == "dir/o.yaml:14:9: order AAA-1 stands twice");
}

TEST_CASE("orders: targets are one of name, pattern and names_file") {
  CHECK(bad_target("{scope: exact}") == "dir/o.yaml:13:15: a target is one of name, pattern, names_file");
  CHECK(bad_target("{name: a.test, pattern: x, scope: exact}") ==
        "dir/o.yaml:13:15: a target is one of name, pattern, names_file");
  CHECK(bad_target("a.test") == "dir/o.yaml:13:15: expected a map");
  CHECK(bad_target("{name: a.test, scope: wide}") == "dir/o.yaml:13:37: expected exact or subtree");
  CHECK(bad_target("{name: a.test, scope: exact, x: 1}") == "dir/o.yaml:13:44: unknown field \"x\"");
  CHECK(bad_target("{pattern: 'a\\.test', scope: exact}") == "dir/o.yaml:13:43: a pattern has no scope");
  CHECK(bad_target("{pattern: '.*\\.test'}").starts_with("dir/o.yaml:13:25: PATTERN: an unescaped \".\""));
  CHECK(bad_target("{pattern: 'ab.\\.test'}").find("(at character 3)") != std::string::npos);
}

TEST_CASE("orders: what is no name gets the error that says which instrument fits") {
  for (const char* text :
       {"https://example.org/a", "example.org/path", "'example.org#x'", "'example.org?x'", "user@example.org",
        "'@user'", "192.0.2.1", "192.0.2.0/24", "'2001:db8::1'", "'[2001:db8::1]'", "'2001:db8::/32'",
        "'example.org:443'", "3232235777", "0x7f.1", "a.b.1", "192.0.2.1."}) {
    CAPTURE(text);
    CHECK(name_error(text) == "13:22:E_SCOPE");
  }
  CHECK(name_error("'*.example.org'") == "13:22:wildcard: say `scope: subtree`");
  CHECK(name_error("1.example") == "none");
  CHECK(name_error("0xabc.example") == "none");
}

TEST_CASE("orders: a public suffix, or what is above one, is not blocked (G1)") {
  for (const char* text : {"com", "test", "co.uk", "github.io", "kawasaki.jp", "CO.UK.", "amazonaws.com"}) {
    CAPTURE(text);
    CHECK(name_error(text) == "13:22:G1");
  }
  CHECK(name_error("example.co.uk") == "none");
  CHECK(errors_of(with(with(one_order(), "a.test", "co.uk"), "action: block", "action: allow")) == "none");
}

TEST_CASE("orders: names files are inlined with their hash, comments and doubles left out") {
  const auto orders =
      read(with(one_order(), "{name: a.test, scope: exact}", "{names_file: annex.txt, scope: subtree}"));
  REQUIRE(orders.has_value());
  CHECK(orders->orders[0].targets ==
        std::vector<Target>{named("one.test", Scope::Subtree), named("two.test", Scope::Subtree)});
  REQUIRE(orders->names_files.size() == 1);
  CHECK(orders->names_files[0].path == "annex.txt");
  CHECK(orders->names_files[0].sha256 == "fb741db7dec4933c0ef50b14632a6c7c288669775fb9dde0a839de3c3f5d4dd6");
  REQUIRE(orders->warnings.size() == 1);
  CHECK(to_string(orders->warnings[0]) == "dir/annex.txt:5:1: subtree one.test stands twice in this order");
}

TEST_CASE("orders: errors in a names file carry its own lines and columns") {
  CHECK(
      bad_target("{names_file: bad.txt, scope: exact}") ==
      "dir/bad.txt:2:2: empty label\n"
      "dir/bad.txt:3:1: E_SCOPE: an address, not a name (G4): addresses are shared; order the names, or use a routing "
      "instrument\n"
      "dir/bad.txt:4:1: G1: com is a public suffix: unrelated parties hold the names below it");
  CHECK(bad_target("{names_file: empty.txt, scope: exact}") == "dir/o.yaml:13:28: empty.txt names nothing new");
  CHECK(bad_target("{names_file: absent.txt, scope: exact}") == "dir/o.yaml:13:28: absent.txt: No such file");
}

TEST_CASE("orders: a names file cannot lie outside the folder") {
  for (const char* path : {"/etc/passwd", "../annex.txt", "a/../../annex.txt"}) {
    CHECK(bad_target("{names_file: " + std::string(path) + ", scope: exact}") ==
          "dir/o.yaml:13:28: a names file lies in the folder of the order file");
  }
}

TEST_CASE("orders: a name that mixes scripts is a warning") {
  const auto orders = read(with(one_order(), "a.test", "p\xd0\xb0ypal.test"));
  REQUIRE(orders.has_value());
  REQUIRE(orders->warnings.size() == 1);
  CHECK(to_string(orders->warnings[0]) == "dir/o.yaml:13:22: xn--pypal-4ve.test mixes scripts in one label");
}

TEST_CASE("yaml: what lets a file say two things is refused with its place") {
  CHECK(bad("number: \"1\"", "number: \"1\"\n    number: \"2\"") == "dir/o.yaml:6:5: duplicate key \"number\"");
  CHECK(bad("{en: R}", "{en: R, en: S}") == "dir/o.yaml:9:21: duplicate key \"en\"");
  CHECK(bad("{en: R}", "&x {en: R}") == "dir/o.yaml:9:13: anchors are not allowed");
  CHECK(bad("authority: A", "authority: &x A\n    number2: *x").find("aliases are not allowed") != std::string::npos);
  CHECK(bad("authority: A", "authority: !!str A") == "dir/o.yaml:7:16: tags are not allowed");
  CHECK(bad("authority: A", "authority: !x A") == "dir/o.yaml:7:16: tags are not allowed");
  CHECK(errors_of(one_order() + "---\n" + one_order()) == "dir/o.yaml:15:1: several documents in one file");
  CHECK(errors_of("%YAML 1.2\n---\n" + one_order()) == "dir/o.yaml:1:1: directives are not allowed");
  CHECK(errors_of("") == "dir/o.yaml:1:1: empty file");
  CHECK(errors_of("a: [b").starts_with("dir/o.yaml:"));
  CHECK(errors_of("a: \xff") == "dir/o.yaml:1:4: not UTF-8");
  CHECK(errors_of("a: b\nc: \x01") == "dir/o.yaml:2:4: control character");
  CHECK(errors_of("{[a]: b}").starts_with("dir/o.yaml:1:2: a key must be plain text"));
  CHECK(errors_of(std::string(17, '[') + std::string(17, ']')) == "dir/o.yaml:1:17: nested too deeply");
}

TEST_CASE("orders: the example file is read without errors or warnings, and its bundle reads back") {
  const auto orders = read_orders_file("rules/examples/pta-example.yaml");
  if (!orders.has_value()) FAIL(to_string(orders.error().front()));
  CHECK(orders->warnings.empty());
  CHECK(orders->orders.size() == 6);
  Snapshot snapshot = snapshot_of(orders->orders);
  const auto again = read_snapshot(write_snapshot(snapshot));
  REQUIRE(again.has_value());
  CHECK(again->orders == orders->orders);
}

TEST_CASE("orders file: names files are found beside it, and links out of its folder are refused") {
  namespace fs = std::filesystem;
  std::string pattern = (fs::temp_directory_path() / "sluice-test-XXXXXX").string();
  const fs::path top = mkdtemp(pattern.data());
  fs::create_directories(top / "in" / "sub");
  std::ofstream(top / "out.txt") << "out.test\n";
  std::ofstream(top / "in" / "sub" / "names.txt") << "in.test\n";
  fs::create_symlink("../out.txt", top / "in" / "link.txt");
  const auto read_with = [&](const std::string& names) {
    std::ofstream(top / "in" / "o.yaml") << with(one_order(), "{name: a.test, scope: exact}",
                                                 "{names_file: " + names + ", scope: exact}");
    return read_orders_file((top / "in" / "o.yaml").string());
  };
  const auto good = read_with("sub/names.txt");
  const auto link = read_with("link.txt");
  const auto folder = read_with("sub");
  const auto absent = read_orders_file((top / "absent.yaml").string());
  fs::remove_all(top);
  REQUIRE(good.has_value());
  CHECK(good->orders[0].targets == std::vector<Target>{named("in.test", Scope::Exact)});
  REQUIRE_FALSE(link.has_value());
  CHECK(link.error()[0].error.what == "link.txt: a link out of the order file's folder");
  REQUIRE_FALSE(folder.has_value());
  CHECK(folder.error()[0].error.what == "sub: not a regular file");
  REQUIRE_FALSE(absent.has_value());
}
