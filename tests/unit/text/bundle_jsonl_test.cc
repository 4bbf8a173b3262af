#include "rules/text/bundle_jsonl.h"

#include <catch2/catch.hpp>

#include "tests/support/mutations.h"
#include "tests/unit/text/example_orders.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr std::string_view kHeader =
    R"({"schema":"sluice/bundle/1","feed":"f","kind":"snapshot","epoch":1,"seq":2,"issued":"2026-11-01T00:00:00Z",)"
    R"("expires":"2026-11-15T00:00:00Z","prev_sha256":"","root":1,"orders":1,"targets":1})";
constexpr std::string_view kOrder =
    R"({"order":"AAA","action":"block","number":"1","authority":"A","basis":{"law":"L"},"reason":{"en":"R"},)"
    R"("appeal":{"email":"U"},"methods":["dns"],"qtypes":"web","effective":"2026-11-02T00:00:00Z",)"
    R"("expires":"2027-05-01T00:00:00Z","publication":"full"})";
constexpr std::string_view kTarget = R"({"n":"a.test","s":"exact"})";

std::string lines(std::initializer_list<std::string_view> all) {
  std::string out;
  for (const auto line : all) (out += line) += '\n';
  return out;
}

std::string with(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const auto at = out.find(from);
  REQUIRE(at != std::string::npos);
  return out.replace(at, from.size(), to);
}

BundleError error_of(const std::string& text, const BundleLimits& limits = {}) {
  const auto read = read_snapshot(text, limits);
  REQUIRE_FALSE(read.has_value());
  return read.error();
}

/// "line:column: what" of a malformed bundle.
std::string malformed(const std::string& text) {
  const BundleError error = error_of(text);
  CHECK(error.kind == BundleErrorKind::Malformed);
  return std::to_string(error.where.line) + ":" + std::to_string(error.where.column) + ": " + error.where.what;
}
std::string bad_header(std::string_view from, std::string_view to) {
  return malformed(lines({with(kHeader, from, to), kOrder, kTarget}));
}
std::string bad_order(std::string_view from, std::string_view to) {
  return malformed(lines({kHeader, with(kOrder, from, to), kTarget}));
}
std::string bad_target(std::string_view target) {
  return malformed(lines({kHeader, kOrder, target}));
}

std::string at(std::string_view line, std::string_view text, std::string_view needle, std::string_view what) {
  return std::string(line) + ":" + std::to_string(text.find(needle) + 1) + ": " + std::string(what);
}

}  // namespace

TEST_CASE("bundle: what the writer writes, the reader reads back whole") {
  const Snapshot snapshot = snapshot_of({full_order(), small_order()});
  const std::string text = write_snapshot(snapshot);
  const auto read = read_snapshot(text);
  REQUIRE(read.has_value());
  CHECK(read->header == snapshot.header);
  CHECK(read->orders == snapshot.orders);
  CHECK(write_snapshot(*read) == text);
}

TEST_CASE("bundle: the header says why so much changes at once") {
  Snapshot snapshot = snapshot_of({small_order()});
  snapshot.header.churn_why = "first list of the year";
  const auto read = read_snapshot(write_snapshot(snapshot));
  REQUIRE(read.has_value());
  CHECK(read->header == snapshot.header);
  CHECK(bad_header("\"root\":", "\"churn\":{\"why\":\"\"},\"root\":").ends_with("a line of at most 1024 bytes"));
  CHECK(bad_header("\"root\":", "\"churn\":{\"who\":\"x\"},\"root\":").ends_with("unknown field \"who\""));
}

TEST_CASE("bundle: the canonical form does not change unnoticed") {
  CHECK(
      write_snapshot(snapshot_of({small_order()})) ==
      R"({"schema":"sluice/bundle/1","feed":"pta.example/terror","kind":"snapshot","epoch":1,"seq":812,"issued":"2026-11-01T00:00:00Z","expires":"2026-11-15T00:00:00Z","prev_sha256":"","root":3,"orders":1,"targets":1}
{"order":"AAA-1","action":"block","number":"1","authority":"A","basis":{"law":"L"},"reason":{"en":"R"},"appeal":{"email":"a@example.org"},"methods":["dns","sni","quic","http"],"qtypes":"web","effective":"2026-11-02T00:00:00Z","expires":"2027-05-01T00:00:00Z","publication":"full"}
{"n":"a.test","s":"exact"}
)");
}

TEST_CASE("bundle: every way of cutting it into chunks reads the same") {
  const std::string text = write_snapshot(snapshot_of({full_order(), small_order()}));
  for (std::size_t step = 1; step < 300; step += 7) {
    std::vector<OrderWithTargets> orders;
    BundleCallbacks callbacks;
    callbacks.order = [&](Order&& order) { orders.push_back({std::move(order), {}}); };
    callbacks.target = [&](Target&& target) { orders.back().targets.push_back(std::move(target)); };
    BundleReader reader(std::move(callbacks), {});
    for (std::size_t i = 0; i < text.size(); i += step) {
      const std::string piece = text.substr(i, step);
      REQUIRE(reader.add({reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size()}).has_value());
    }
    REQUIRE(reader.finish().has_value());
    CHECK(orders == std::vector<OrderWithTargets>{full_order(), small_order()});
  }
}

TEST_CASE("bundle: the header is read strictly, with line and column") {
  REQUIRE(read_snapshot(lines({kHeader, kOrder, kTarget})).has_value());
  CHECK(bad_header("bundle/1", "bundle/2") == at("1", kHeader, "\"sluice/", "schema must be \"sluice/bundle/1\""));
  CHECK(bad_header("\"snapshot\"", "\"whole\"") == "1:1: kind must be \"snapshot\" or \"delta\"");
  CHECK(bad_header("\"root\":1", "\"root\":1,\"base\":1") == "1:1: \"base\" belongs to a delta");
  CHECK(bad_header("\"f\"", "\"F\"") == at("1", kHeader, "\"f\"", "not a feed name"));
  CHECK(bad_header("\"f\"", "\"../x\"") == at("1", kHeader, "\"f\"", "not a feed name"));
  CHECK(bad_header("\"epoch\":1,", "") == "1:1: missing field \"epoch\"");
  CHECK(bad_header("\"epoch\":1", "\"epoch\":1,\"epoch\":2") ==
        at("1", with(kHeader, "\"epoch\":1", "\"epoch\":1,\"EPOCH\":2"), "\"EPOCH\"", "duplicate field \"epoch\""));
  CHECK(bad_header("\"epoch\"", "\"Epoch\"") == at("1", kHeader, "\"epoch\"", "unknown field \"Epoch\""));
  CHECK(bad_header("\"epoch\":1", "\"epoch\":-1") == at("1", kHeader, "1,\"seq", "expected a whole number"));
  CHECK(bad_header("\"epoch\":1", "\"epoch\":1.0") == at("1", kHeader, "1,\"seq", "expected a whole number"));
  CHECK(bad_header("\"epoch\":1", "\"epoch\":\"1\"") == at("1", kHeader, "1,\"seq", "expected a whole number"));
  CHECK(bad_header("\"epoch\":1", "\"epoch\":18446744073709551616") ==
        at("1", kHeader, "1,\"seq", "expected a whole number"));
  CHECK(bad_header("2026-11-01T00:00:00Z", "2026-11-01") ==
        at("1", kHeader, "\"2026-11-01", "expected a time like 2026-11-02T00:00:00Z"));
  CHECK(bad_header("\"prev_sha256\":\"\"", "\"prev_sha256\":\"A\"") ==
        at("1", kHeader, "\"\",\"root", "must be 64 lower-case hex digits, or empty on the first"));
  CHECK(bad_header("2026-11-15", "2026-11-01") == "1:1: expires is not after issued");
  CHECK(bad_header("2026-11-15", "2026-12-02") == "1:1: more than 30 days from issued to expires");
}

TEST_CASE("bundle: an order line is read strictly, with line and column") {
  CHECK(bad_order("\"AAA\"", "\"aaa\"") == "2:1: id: must be [A-Z0-9][A-Z0-9._-]{2,63}");
  CHECK(bad_order("\"action\":\"block\",", "") == "2:1: missing field \"action\"");
  CHECK(bad_order("\"block\"", "\"drop\"") == at("2", kOrder, "\"block\"", "must be \"block\" or \"allow\""));
  CHECK(bad_order("\"web\"", "[]") == at("2", kOrder, "\"web\"", "expected a string"));
  CHECK(bad_order("[\"dns\"]", "[\"dns\",\"dns\"]") ==
        at("2", with(kOrder, "[\"dns\"]", "[\"dns\",\"x\"]"), "\"x\"", "method named twice"));
  CHECK(bad_order("[\"dns\"]", "[\"tls\"]") == at("2", kOrder, "\"dns\"", "unknown method"));
  CHECK(bad_order("[\"dns\"]", "\"dns\"") == at("2", kOrder, "[\"dns\"]", "expected an array"));
  CHECK(bad_order("{\"law\":\"L\"}", "\"L\"") == at("2", kOrder, "{\"law\"", "expected an object"));
  CHECK(bad_order("\"law\":\"L\"", "\"law\":\"L\",\"law\":\"M\"") ==
        at("2", with(kOrder, "\"law\":\"L\"", "\"law\":\"L\",\"LAW\""), "\"LAW\"", "duplicate field \"law\""));
  CHECK(bad_order("\"full\"", "{\"until\":1}") ==
        at("2", with(kOrder, "\"full\"", "{\"until\""), "\"until\"", "unknown field \"until\""));
}

TEST_CASE("bundle: an order that lacks something is read: guard G8 refuses it, and it alone") {
  for (const auto& [what, instead] : std::vector<std::pair<std::string, std::string>>{
           {"[\"dns\"]", "[]"}, {"{\"law\":\"L\"}", "{}"}, {"\"en\":\"R\"", ""}, {"2027-05-01", "2027-11-03"}}) {
    CHECK(read_snapshot(lines({kHeader, with(kOrder, what, instead), kTarget})).has_value());
  }
}

TEST_CASE("bundle: a target line is read strictly, with line and column") {
  CHECK(bad_target(R"({"n":"A.test","s":"exact"})") == "3:6: not in canonical form: a.test");
  CHECK(bad_target(R"({"n":"a.test.","s":"exact"})") == "3:6: not in canonical form: a.test");
  CHECK(bad_target(R"({"n":"*.a.test","s":"exact"})") == "3:6: wildcard: say `scope: subtree`");
  CHECK(bad_target(R"({"n":"a.test","s":"wide"})") == R"(3:19: scope must be "exact" or "subtree")");
  CHECK(bad_target(R"({"n":"a.test"})") == R"(3:1: a target is either "n" with "s", or "p")");
  CHECK(bad_target(R"({"n":"a.test","s":"exact","p":"x"})") == R"(3:1: a target is either "n" with "s", or "p")");
  CHECK(bad_target(R"({"p":""})") == "3:6: a pattern has 1 to 1024 bytes");
  CHECK(bad_target(R"({"n":"a.test","s":"exact","x":1})") == R"(3:27: unknown field "x")");
  CHECK(bad_target(R"({"n":"a\u0000.test","s":"exact"})") == "3:6: a NUL in a string");
  CHECK(bad_target(R"({})") == R"(3:1: a target is either "n" with "s", or "p")");
}

TEST_CASE("bundle: text that is not one JSON object a line is malformed") {
  for (const char* line :
       {"x", "[]", "1", "\"n\"", "null", "{", "{\"n\":\"a.test\",\"s\":\"exact\"", "{\"n\":\"a.test\" \"s\":\"exact\"}",
        "{\"n\":\"a.test\",\"s\":\"exact\"}}", "{\"n\":\"a.test\",\"s\":\"exact\"} {}",
        "{\"n\":\"a.test\",\"s\":\"exact\"},", "{\"n\":\"a.test\",\"s\":\"exact\",}",
        "{\"n\":\"a.test\",\"s\":\"exact}", "{\"n\":\"\\ud800.test\",\"s\":\"exact\"}",
        "{\"n\":\"a\xff\",\"s\":\"exact\"}", "{'n':\"a.test\",\"s\":\"exact\"}", "{\"n\":\"a.test\",\"s\":\"exact\"}x",
        "{\"n\":\"a.test\",,\"s\":\"exact\"}"}) {
    CAPTURE(line);
    const BundleError error = error_of(lines({kHeader, kOrder, line}));
    CHECK(error.kind == BundleErrorKind::Malformed);
    CHECK(error.where.line == 3);
    CHECK(error.where.column >= 1);
  }
}

TEST_CASE("bundle: the order of lines is kept") {
  CHECK(malformed("") == "1:1: empty file");
  CHECK(malformed(lines({kHeader, kTarget, kOrder})) == "2:1: a target before the first order");
  const std::string two = with(with(kHeader, "\"orders\":1", "\"orders\":2"), "\"targets\":1", "\"targets\":2");
  CHECK(malformed(lines({two, kOrder, kOrder, kTarget})) == "2:1: an order without targets");
  CHECK(malformed(lines({two, kOrder, kTarget, kOrder, kTarget})) == "4:1: order AAA stands twice");
  CHECK(malformed(lines({two, kOrder, kTarget, with(kOrder, "AAA", "BBB")})) == "4:1: an order without targets");
  CHECK(malformed(lines({kHeader, kOrder, "", kTarget})) == "3:1: empty line");
  CHECK(malformed(lines({kHeader, kOrder}) + std::string(kTarget)) == "3:1: the last line has no end: file cut short");
  CHECK(malformed(lines({kHeader, kOrder, std::string(kTarget) + "\r"})) ==
        "3:27: carriage return: lines end with \\n");
}

TEST_CASE("bundle: counts must match the header") {
  CHECK(error_of(lines({with(kHeader, "\"orders\":1", "\"orders\":2"), kOrder, kTarget})).kind ==
        BundleErrorKind::Counts);
  CHECK(error_of(lines({with(kHeader, "\"targets\":1", "\"targets\":2"), kOrder, kTarget})).kind ==
        BundleErrorKind::Counts);
  CHECK(error_of(lines({kHeader, kOrder, kTarget, kTarget})).kind == BundleErrorKind::Counts);
  CHECK(error_of(lines({kHeader, kOrder, kTarget, with(kOrder, "AAA", "BBB"), kTarget})).kind ==
        BundleErrorKind::Counts);
  CHECK(error_of(lines({kHeader})).kind == BundleErrorKind::Counts);
}

TEST_CASE("bundle: limits are kept") {
  const std::string text = lines({kHeader, kOrder, kTarget});
  CHECK(read_snapshot(text, {text.size(), 1, 1}).has_value());
  CHECK(error_of(text, {text.size() - 1, 1, 1}).kind == BundleErrorKind::TooLarge);
  CHECK(error_of(text, {text.size(), 0, 1}).kind == BundleErrorKind::TooLarge);
  CHECK(error_of(text, {text.size(), 1, 0}).kind == BundleErrorKind::TooLarge);
}

TEST_CASE("bundle: a line over 64 KiB is refused, ended or not") {
  const std::string longest = "{\"p\":\"" + std::string(kMaxBundleLineBytes - 8, 'a') + "\"}";
  CHECK(error_of(lines({kHeader, kOrder, longest})).kind ==
        BundleErrorKind::Malformed);  // read, and its pattern refused
  CHECK(error_of(lines({kHeader, kOrder, longest + " "})).kind == BundleErrorKind::TooLarge);
  CHECK(error_of(lines({kHeader, kOrder}) + std::string(kMaxBundleLineBytes + 1, ' ')).kind ==
        BundleErrorKind::TooLarge);
}

TEST_CASE("bundle: an error is sticky") {
  BundleReader reader({}, {});
  const std::string bad = "x\n";
  const std::string good = lines({kHeader, kOrder, kTarget});
  CHECK_FALSE(reader.add({reinterpret_cast<const std::uint8_t*>(bad.data()), bad.size()}).has_value());
  CHECK_FALSE(reader.add({reinterpret_cast<const std::uint8_t*>(good.data()), good.size()}).has_value());
  CHECK_FALSE(reader.finish().has_value());
}

TEST_CASE("bundle: the header can be read alone") {
  const auto header = read_snapshot_header(lines({kHeader, "anything"}));
  REQUIRE(header.has_value());
  CHECK(header->seq == 2);
  CHECK_FALSE(read_snapshot_header(kHeader).has_value());
}

TEST_CASE("bundle: no mutation of a valid bundle does harm, and what is accepted can be written and read again") {
  const std::string text = write_snapshot(snapshot_of({small_order()}));
  for_each_mutation({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, [](Bytes bytes) {
    const auto read = read_snapshot({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!read.has_value()) return;
    const auto again = read_snapshot(write_snapshot(*read));
    REQUIRE(again.has_value());
    CHECK(again->orders == read->orders);
  });
}
