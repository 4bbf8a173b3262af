#include "rules/delta/delta.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "tests/support/mutations.h"
#include "tests/unit/text/example_orders.h"

using namespace sluice;
using namespace sluice::test;

namespace {

using Kind = OrderChange::Kind;

OrderWithTargets order(std::string id, std::vector<std::string> names) {
  OrderWithTargets out = small_order(std::move(id));
  out.targets.clear();
  std::ranges::sort(names);
  for (const std::string& name : names) out.targets.emplace_back(named(name, Scope::Exact));
  return out;
}

/// A snapshot of these orders, `seq` after another.
std::string text_of(std::vector<OrderWithTargets> orders, std::uint64_t seq) {
  Snapshot snapshot = snapshot_of(std::move(orders));
  snapshot.header.seq = seq;
  snapshot.header.prev_sha256 = std::string(64, 'a');
  return write_snapshot(snapshot);
}

SnapshotText cut(std::string_view text) {
  auto out = SnapshotText::read(text);
  REQUIRE(out.has_value());
  return *std::move(out);
}

std::string delta_of(std::string_view from, std::string_view to) {
  const BundleHeader header{*read_snapshot_header(to),
                            DeltaBase{read_snapshot_header(from)->seq, std::string(64, 'b')}};
  return write_delta(header, diff(cut(from), cut(to)));
}

/// The snapshot that results, or what does not fit.
std::string applied(std::string_view base, const std::string& delta) {
  const auto read = read_delta(delta);
  if (!read.has_value()) return to_string(read.error().where, "delta");
  const auto result = apply_delta(cut(base), *read);
  return result.has_value() ? *result : result.error();
}

std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

const std::string kOld = text_of(
    {order("AAA-1", {"a.test", "b.test", "c.test"}), order("BBB-1", {"d.test"}), order("CCC-1", {"e.test"})}, 1);

std::string newer() {
  auto changed = order("AAA-1", {"b.test", "bb.test", "z.test"});
  auto renamed = order("CCC-1", {"e.test"});
  renamed.order.law = "Another";
  return text_of({changed, renamed, order("DDD-1", {"f.test", "g.test"})}, 2);
}

}  // namespace

TEST_CASE("diff: tells orders added, changed and revoked, and their targets") {
  const std::string to = newer();
  const auto from = cut(kOld), now = cut(to);
  const auto changes = diff(from, now);
  REQUIRE(changes.size() == 4);
  CHECK(changes[0].kind == Kind::Changed);
  CHECK(changes[0].id == "AAA-1");
  CHECK_FALSE(changes[0].fields_changed);
  CHECK(changes[0].added ==
        std::vector<std::string_view>{R"({"n":"bb.test","s":"exact"})", R"({"n":"z.test","s":"exact"})"});
  CHECK(changes[0].removed ==
        std::vector<std::string_view>{R"({"n":"a.test","s":"exact"})", R"({"n":"c.test","s":"exact"})"});
  CHECK(changes[1].kind == Kind::Revoked);
  CHECK(changes[1].id == "BBB-1");
  CHECK(changes[1].removed.size() == 1);
  CHECK(changes[2].kind == Kind::Changed);
  CHECK(changes[2].fields_changed);
  CHECK(changes[3].kind == Kind::Added);
  CHECK(changes[3].added.size() == 2);
  const ChangeCounts sums = count(changes);
  CHECK(sums.orders_added == 1);
  CHECK(sums.orders_changed == 2);
  CHECK(sums.orders_revoked == 1);
  CHECK(sums.targets_added == 4);
  CHECK(sums.targets_removed == 3);
  CHECK(diff(from, from).empty());
}

TEST_CASE("diff: the order of lines makes no change") {
  OrderWithTargets upside_down = order("AAA-1", {"a.test", "b.test", "c.test"});
  std::ranges::reverse(upside_down.targets);
  const std::string other = text_of({order("CCC-1", {"e.test"}), order("BBB-1", {"d.test"}), upside_down}, 1);
  CHECK_FALSE(cut(other).canonical());
  CHECK(cut(kOld).canonical());
  CHECK(diff(cut(kOld), cut(other)).empty());
}

TEST_CASE("delta: what the writer writes, the reader reads, and it gives the very snapshot") {
  const std::string to = newer();
  const std::string delta = delta_of(kOld, to);
  const auto read = read_delta(delta);
  REQUIRE(read.has_value());
  CHECK(read->header.delta->seq == 1);
  CHECK(read->header.snapshot.seq == 2);
  CHECK(applied(kOld, delta) == to);
  CHECK(write_delta(read->header, read->changes) == delta);
}

TEST_CASE("delta: its text does not change unnoticed") {
  const std::string to = newer();
  std::string text = delta_of(kOld, to);
  text.erase(0, text.find('\n') + 1);
  const SnapshotText now = cut(to);
  const auto line = [&](std::string_view id) {
    for (const OrderText& o : now.orders()) {
      if (o.id == id) return std::string(o.line);
    }
    return std::string();
  };
  CHECK(text == "{\"change\":" + line("AAA-1") + "}\n" +
                    "{\"gone\":{\"n\":\"a.test\",\"s\":\"exact\"}}\n{\"n\":\"bb.test\",\"s\":\"exact\"}\n"
                    "{\"gone\":{\"n\":\"c.test\",\"s\":\"exact\"}}\n{\"n\":\"z.test\",\"s\":\"exact\"}\n"
                    "{\"revoke\":\"BBB-1\"}\n{\"change\":" +
                    line("CCC-1") + "}\n{\"add\":" + line("DDD-1") +
                    "}\n{\"n\":\"f.test\",\"s\":\"exact\"}\n{\"n\":\"g.test\",\"s\":\"exact\"}\n");
}

TEST_CASE("delta: one that does not fit its base says what is wrong") {
  const std::string to = newer(), delta = delta_of(kOld, to);
  CHECK(applied(to, delta) == "order AAA-1 does not have {\"n\":\"a.test\",\"s\":\"exact\"}");
  CHECK(applied(kOld, with(delta, "\"revoke\":\"BBB-1\"", "\"revoke\":\"BBB-2\"")) == "order BBB-2 is not there");
  CHECK(applied(kOld, with(delta, "\"change\":{\"order\":\"CCC-1\"", "\"change\":{\"order\":\"CCC-2\"")) ==
        "order CCC-2 is not there");
  CHECK(applied(kOld, with(delta, "\"change\":{\"order\":\"CCC-1\"", "\"add\":{\"order\":\"CCC-1\"")) ==
        "delta:9:1: an order without targets before this line");
  CHECK(applied(kOld, with(delta, "{\"n\":\"bb.test\"", "{\"n\":\"b.test\"")) ==
        "order AAA-1 already has {\"n\":\"b.test\",\"s\":\"exact\"}");
  CHECK(applied(kOld, with(delta, "\"gone\":{\"n\":\"c.test\"", "\"gone\":{\"n\":\"ca.test\"")) ==
        "order AAA-1 does not have {\"n\":\"ca.test\",\"s\":\"exact\"}");
  CHECK(applied(kOld, with(delta, "\"targets\":6", "\"targets\":7")) ==
        "the header says 3 orders and 7 targets, 3 and 6 result");
}

TEST_CASE("delta: is read strictly, with line and column") {
  const std::string delta = delta_of(kOld, newer());
  const auto error = [&](std::string_view from, std::string_view to) { return applied(kOld, with(delta, from, to)); };
  CHECK(error("\"delta\"", "\"snapshot\"").ends_with("\" belongs to a delta"));
  CHECK(error("\"base\":1,", "") == "delta:1:1: missing field \"base\"");
  CHECK(error("\"base\":1,", "\"base\":2,") == "delta:1:1: base is not smaller than seq");
  CHECK(error("\"prev_sha256\":\"" + std::string(64, 'a'), "\"prev_sha256\":\"") ==
        "delta:1:1: a delta names the snapshot before it in prev_sha256");
  CHECK(error("{\"revoke\":\"BBB-1\"}", "{\"revoke\":\"bbb-1\"}") == "delta:7:1: want {\"revoke\":\"ID\"}");
  CHECK(error("{\"revoke\":\"BBB-1\"}", "{\"revoke\":\"ZZZ-1\"}") == "delta:8:1: orders are not ascending by id");
  CHECK(error("{\"revoke\":\"BBB-1\"}", "{\"revoke\":\"BBB-1\"}\n{\"n\":\"x.test\",\"s\":\"exact\"}") ==
        "delta:8:1: a target that this order cannot have");
  CHECK(error("{\"n\":\"g.test\",", "{\"n\":\"e.test\",") == "delta:11:1: targets are not ascending");
  CHECK(error("{\"n\":\"g.test\",", "{\"n\":\"G.test\",") == "delta:11:6: not in canonical form: g.test");
  CHECK(error("{\"gone\":{\"n\":\"a.test\",", "{\"gone\":{\"n\":\"A.test\",") ==
        "delta:3:14: not in canonical form: a.test");
  CHECK(error("{\"n\":\"g.test\",\"s\":\"exact\"}\n", "{\"n\":\"g.test\",\"s\":\"exact\"}") ==
        "delta:11:1: the last line has no end");
  CHECK(applied(kOld, "") == "delta: empty file");
  CHECK(applied(kOld, kOld) == "delta:1:1: a snapshot, not a delta");
}

TEST_CASE("delta: limits are kept") {
  const std::string delta = delta_of(kOld, newer());
  const auto kind = [&](const BundleLimits& limits) {
    const auto read = read_delta(delta, limits);
    return read.has_value() ? std::optional<BundleErrorKind>() : read.error().kind;
  };
  CHECK_FALSE(kind({delta.size(), 3, 6}));
  CHECK(kind({delta.size() - 1, 3, 6}) == BundleErrorKind::TooLarge);
  CHECK(kind({delta.size(), 2, 6}) == BundleErrorKind::TooLarge);
  CHECK(kind({delta.size(), 3, 5}) == BundleErrorKind::TooLarge);
}

TEST_CASE("delta: a base that is not in canonical form waits for a snapshot") {
  OrderWithTargets upside_down = order("AAA-1", {"a.test", "b.test", "c.test"});
  std::ranges::reverse(upside_down.targets);
  const std::string base = text_of({upside_down, order("BBB-1", {"d.test"}), order("CCC-1", {"e.test"})}, 1);
  CHECK(applied(base, delta_of(kOld, newer())) == "the base is not in canonical form: a snapshot must follow");
}

TEST_CASE("delta: any two snapshots are one delta apart") {
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random); };
  const auto some = [&](std::uint64_t seq) {
    std::vector<OrderWithTargets> orders;
    for (int i = 0; i < 8; ++i) {
      if (below(3) == 0) continue;
      std::vector<std::string> names;
      for (int n = 0; n < 10; ++n) {
        if (below(2) == 0) names.push_back("n" + std::to_string(n) + ".test");
      }
      if (names.empty()) names.emplace_back("x.test");
      orders.push_back(order("ID-" + std::to_string(i), names));
      if (below(3) == 0) orders.back().order.court = "Court";
    }
    return text_of(std::move(orders), seq);
  };
  for (int i = 0; i < 200; ++i) {
    const std::string from = some(1), to = some(2);
    REQUIRE(applied(from, delta_of(from, to)) == to);
  }
}

TEST_CASE("delta: no mutation does harm") {
  const std::string delta = delta_of(kOld, newer());
  const SnapshotText base = cut(kOld);
  for_each_mutation({reinterpret_cast<const std::uint8_t*>(delta.data()), delta.size()}, [&](Bytes bytes) {
    const auto read = read_delta({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!read.has_value()) return;
    const auto result = apply_delta(base, *read);
    if (result.has_value()) REQUIRE(SnapshotText::read(*result)->canonical());
  });
}
