#include "control/ledger/log_audit.h"

#include <catch2/catch.hpp>
#include <string>

#include "control/ledger/lookup.h"
#include "control/ledger/receipt.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/ledger/orders_in_a_log.h"

using namespace sluice;
namespace fs = std::filesystem;
using test::OrdersInALog;

TEST_CASE_METHOD(OrdersInALog, "log audit: a log that was kept by the rules passes, from its files alone") {
  OrderWithTargets delayed = test::block("D-1", {test::exact("later.example")});
  delayed.order.publication = PublicationKind::Delayed;
  delayed.order.delayed_until = 100;
  OrderLog log = this->log();
  REQUIRE(log.enforce(bundle({delayed, test::block("A-1", {test::exact("a.example")})}), 5).has_value());
  const auto before = audit_log(log.files(), key.who, 50);
  REQUIRE(before.has_value());
  CHECK(before->problems.empty());
  CHECK(before->sealed == 1);
  const auto late = audit_log(log.files(), key.who, 100);
  REQUIRE(late.has_value());
  CHECK(late->problems == std::vector<std::string>{"entry 0: was to be revealed by now"});
  REQUIRE(log.reveal(100).value() == 1);
  REQUIRE(log.enforce(bundle({}), 101).has_value());
  const auto after = audit_log(log.files(), key.who, 102);
  REQUIRE(after.has_value());
  CHECK(after->problems.empty());
  CHECK(after->lists == 2);
  CHECK(after->head.size == log.size());
}

TEST_CASE_METHOD(OrdersInALog, "log audit: a target list that is missing or another one is found") {
  OrderLog log = this->log();
  REQUIRE(log.enforce(bundle({test::block("A-1", {test::exact("a.example")})}), 5).has_value());
  const std::string list(entries()[0].find("targets")->text("sha256"));
  const std::string bytes = folder.read("log/targets/" + list);
  folder.write("log/targets/" + list, bytes + bytes);
  CHECK(audit_log(log.files(), key.who, 9)->problems.size() == 1);
  fs::remove(folder / "log/targets" / list);
  CHECK(audit_log(log.files(), key.who, 9)->problems.size() == 1);
}

TEST_CASE_METHOD(OrdersInALog, "log audit: an order twice in force is found, whoever signed it") {
  {
    OrderLog log = this->log();
    REQUIRE(log.enforce(bundle({test::block("A-1", {test::exact("a.example")})}), 5).has_value());
  }
  const std::string again = canonical_json(entries()[0]);
  auto writer = Log::open(folder / "log", key.who, key.secret);
  REQUIRE(writer.has_value());
  REQUIRE(writer->append(std::span(&again, 1)).has_value());
  const auto audit = audit_log(writer->files(), key.who, 9);
  REQUIRE(audit.has_value());
  CHECK(audit->problems == std::vector<std::string>{"entry 2: order A-1 is applied twice"});
}

TEST_CASE_METHOD(OrdersInALog, "log audit: an order is proven by its latest entry, a release by its number") {
  OrderLog log = this->log();
  REQUIRE(log.enforce(bundle({test::block("A-1", {test::exact("a.example")})}), 5).has_value());
  REQUIRE(log.enforce(bundle({test::block("A-1", {test::exact("b.example")})}), 6).has_value());
  const auto proved = prove_order(log.files(), key.who, "A-1");
  REQUIRE(proved.has_value());
  CHECK(proved->proof.index == 2);
  CHECK(judge_proof({key.who, true, {}, 0}, proved->entry, to_text(proved->proof), {}).has_value());
  CHECK(prove_order(log.files(), key.who, "test.example/feed 1 1")->proof.index == 1);
  CHECK_FALSE(prove_order(log.files(), key.who, "B-1").has_value());
}

TEST_CASE_METHOD(OrdersInALog, "lookup: who asks for a name has its commitment opened, and no other name's") {
  OrderWithTargets order = test::block("A-1", {test::exact("a.example"), test::subtree("b.example")});
  order.order.publication = PublicationKind::Lookup;
  OrderLog log = this->log();
  REQUIRE(log.enforce(bundle({order}), 5).has_value());
  const auto orders = lookup_orders(log.book());
  REQUIRE(orders.size() == 1);
  const auto ask = [&](const char* name) {
    return read_json(answer_lookup(test::name(name), orders, log.targets(), log.secrets())).value();
  };
  const JsonValue answer = ask("b.example");
  const JsonValue::Array* openings = answer.items("openings");
  REQUIRE(openings->size() == 1);
  const JsonValue& opened = openings->front();
  CHECK(opened.text("order") == "A-1");
  const std::string commitment = log.secrets().commitment(opened.text("salt"), opened.text("target"));
  CHECK(commitment == opened.text("commitment"));
  CHECK(folder.read("log/targets/" + std::string(opened.text("list"))).find(commitment) != std::string::npos);
  CHECK(ask("www.b.example").items("openings")->empty());
  CHECK(ask("c.example").items("openings")->empty());
}

TEST_CASE_METHOD(OrdersInALog, "receipt: says what the log says, counts seconds to enforcement, and is signed") {
  OrderLog log = this->log();
  REQUIRE(log.enforce(bundle({test::block("A-1", {test::exact("a.example")})}), 5).has_value());
  Enforced second =
      bundle({test::block("A-1", {test::exact("b.example")}), test::block("B-1", {test::exact("c.example")})});
  second.refusals = {{"B-1", "operator", "unlawful", "no court"}};
  REQUIRE(log.enforce(second, 30).has_value());
  const auto receipt = make_receipt(log.book(), log.files(), test::kFeed, "gateway", 42, {7, 1, 100}, {});
  REQUIRE(receipt.has_value());
  const JsonValue* counts = receipt->find("counts");
  CHECK(counts->number("orders") == 2);
  CHECK(counts->number("changed") == 1);
  CHECK(counts->number("refused") == 1);
  CHECK(counts->number("applied") == 0);
  CHECK(receipt->items("orders")->front().number("seconds") == 42);
  CHECK(receipt->items("refusals")->front().text("code") == "unlawful");
  CHECK(receipt->number("bypass_seconds") == 7);

  const ReceiptFiles files(folder / "receipts");
  const MinisignSecretKey secret = generate_minisign_key();
  REQUIRE(files.put(*receipt, secret).has_value());
  CHECK(files.has(test::kFeed, *log.book().feed(test::kFeed).release));
  const auto latest = files.latest("", 10);
  REQUIRE(latest.size() == 1);
  CHECK(verify_receipt(latest[0].receipt, latest[0].signature, public_key_of(secret)).has_value());
  std::string forged = latest[0].receipt;
  forged[10] ^= 1;
  CHECK_FALSE(verify_receipt(forged, latest[0].signature, public_key_of(secret)).has_value());
  CHECK_FALSE(
      verify_receipt(latest[0].receipt, latest[0].signature, public_key_of(generate_minisign_key())).has_value());
}
