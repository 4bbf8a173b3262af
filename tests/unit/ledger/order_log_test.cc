#include "control/ledger/order_log.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "control/ledger/log_key.h"
#include "control/ledger/target_lists.h"
#include "rules/sign/digest.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/rfc3339.h"
#include "tests/support/feeds.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/ledger/orders_in_a_log.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

constexpr const char* kFeed = test::kFeed;
using Fixture = test::OrdersInALog;

OrderWithTargets block(std::string id, std::vector<Target> targets) {
  return test::block(std::move(id), std::move(targets));
}

}  // namespace

TEST_CASE_METHOD(Fixture, "order log: says what is applied, changed and revoked, each once, and serves the lists") {
  OrderLog log = this->log();
  const auto first = log.enforce(bundle({block("A-1", {test::exact("a.example"), test::subtree("b.example")}),
                                         block("B-1", {test::exact("c.example")})}),
                                 5);
  REQUIRE(first.has_value());
  CHECK(first->applied == std::vector<std::string>{"A-1", "B-1"});
  CHECK(types() == "order order release");
  const auto second =
      log.enforce(bundle({block("B-1", {test::exact("d.example")}), block("C-1", {test::exact("e.example")})}), 6);
  REQUIRE(second.has_value());
  CHECK(second->changed == std::vector<std::string>{"B-1"});
  CHECK(second->applied == std::vector<std::string>{"C-1"});
  CHECK(second->revoked == std::vector<std::string>{"A-1"});
  CHECK(types() == "order order release order order revoke release");
  const JsonValue entry = entries()[0];
  const JsonValue* list = entry.find("targets");
  CHECK(list->number("count") == 2);
  const std::string bytes = folder.read("log/targets/" + std::string(list->text("sha256")));
  CHECK(to_hex(digests_of(bytes).sha256) == list->text("sha256"));
  CHECK(bytes == "{\"n\":\"a.example\",\"s\":\"exact\"}\n{\"n\":\"b.example\",\"s\":\"subtree\"}\n");
}

TEST_CASE_METHOD(Fixture, "order log: the same bundle again, also by another run, adds nothing") {
  const Enforced what = bundle({block("A-1", {test::exact("a.example")})});
  REQUIRE(log().enforce(what, 5).has_value());
  OrderLog again = log();
  const auto logged = again.enforce(what, 9);
  REQUIRE(logged.has_value());
  CHECK(logged->size == 2);
  CHECK(again.enforce(what, 10)->size == 2);
}

TEST_CASE_METHOD(Fixture, "order log: after a crash before a bundle was kept, the one before it changes nothing") {
  const Enforced before = bundle({block("A-1", {test::exact("a.example")})});
  const Enforced ahead = bundle({block("B-1", {test::exact("b.example")})});
  REQUIRE(log().enforce(before, 5).has_value());
  REQUIRE(log().enforce(ahead, 6).has_value());
  OrderLog log = this->log();
  CHECK(log.enforce(before, 7)->size == 5);
  CHECK(log.enforce(ahead, 8)->size == 5);
  CHECK(types() == "order release order revoke release");
}

TEST_CASE_METHOD(Fixture, "order log: an entry that the log could not mean is refused before it is in it") {
  OrderLog log = this->log();
  const std::vector<JsonValue> entries{revoke_entry(kFeed, "A-1", 5)};
  CHECK_FALSE(log.append(entries).has_value());
  CHECK(log.enforce(bundle({block("A-1", {test::exact("a.example")})}), 6).has_value());
}

TEST_CASE_METHOD(Fixture, "order log: a refused order is logged as refused, and applied once that is withdrawn") {
  OrderLog log = this->log();
  Enforced what = bundle({block("A-1", {test::exact("a.example")}), block("B-1", {test::exact("b.example")})});
  what.refusals = {{"A-1", "guard", "G1", "a public suffix"}};
  CHECK(log.enforce(what, 5)->refused == std::vector<std::string>{"A-1"});
  CHECK(log.enforce(what, 6)->size == 3);
  what.refusals = {{"A-1", "guard", "G1", "a public suffix"}, {"B-1", "operator", "unlawful", "court order lifted"}};
  CHECK(log.enforce(what, 7)->refused == std::vector<std::string>{"B-1"});
  what.refusals.clear();
  CHECK(log.enforce(what, 8)->applied == std::vector<std::string>{"A-1", "B-1"});
  CHECK(types() == "refusal order release refusal order order");
}

TEST_CASE_METHOD(Fixture, "order log: a delayed order is sealed, its list held back, and both shown when it is due") {
  OrderWithTargets secret = block("A-1", {test::exact("hidden.example")});
  secret.order.publication = PublicationKind::Delayed;
  secret.order.delayed_until = 100;
  const Enforced what = bundle({secret});
  {
    OrderLog log = this->log();
    REQUIRE(log.enforce(what, 5).has_value());
    CHECK(log.reveal(99).value() == 0);
  }
  CHECK(types() == "sealed release");
  const std::string list = to_hex(digests_of(target_line(test::exact("hidden.example")) + "\n").sha256);
  CHECK_FALSE(fs::exists(folder / "log/targets" / list));
  OrderLog log = this->log();
  CHECK(log.enforce(what, 50)->size == 2);
  CHECK(log.reveal(100).value() == 1);
  CHECK(log.reveal(101).value() == 0);
  CHECK(types() == "sealed release reveal");
  const JsonValue shown = entries()[2];
  CHECK(shown.find("entry")->find("order")->text("order") == "A-1");
  CHECK(folder.read("log/targets/" + list) == target_line(test::exact("hidden.example")) + "\n");
  CHECK(log.enforce(what, 102)->size == 3);
}

TEST_CASE_METHOD(Fixture, "order log: an order by lookup is published as salted commitments of its names") {
  OrderWithTargets order = block("A-1", {test::exact("a.example"), test::exact("b.example")});
  order.order.publication = PublicationKind::Lookup;
  const Enforced what = bundle({order});
  OrderLog log = this->log();
  REQUIRE(log.enforce(what, 5).has_value());
  CHECK(log.enforce(what, 6)->size == 2);
  const JsonValue entry = entries()[0];
  const JsonValue* list = entry.find("targets");
  CHECK(list->number("count") == 2);
  CHECK(list->find("commitments") != nullptr);
  const std::string bytes = folder.read("log/targets/" + std::string(list->text("sha256")));
  CHECK(bytes.size() == 2 * 65);
  const PrivateFiles secrets(folder / "secrets", key);
  const std::string line = target_line(test::exact("a.example"));
  const std::string salt = secrets.salt(commitment_subject(kFeed, "A-1", line));
  CHECK(bytes.find(secrets.commitment(salt, line)) != std::string::npos);
  CHECK(bytes.find("example") == std::string::npos);
}

TEST_CASE("log key: made once, for its owner alone, and read back") {
  const test::TempFolder folder;
  const auto made = make_log_key(folder / "log.key", "gateway.example/log");
  REQUIRE(made.has_value());
  CHECK_FALSE(make_log_key(folder / "log.key", "other.example/log").has_value());
  const auto read = read_log_key(folder / "log.key");
  REQUIRE(read.has_value());
  CHECK(read->text() == made->text());
  CHECK(read->who.name == "gateway.example/log");
  CHECK((fs::status(folder / "log.key").permissions() & fs::perms::all) == fs::perms(0600));
  CHECK_FALSE(make_log_key(folder / "b.key", "a name with spaces").has_value());
}
