#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "control/ledger/order_log.h"
#include "rules/sign/digest.h"
#include "rules/text/bundle_jsonl.h"
#include "tests/support/feeds.h"
#include "tests/support/temp_folder.h"

namespace sluice::test {

inline constexpr const char* kFeed = "test.example/feed";

/// A log of one feed, and bundles to fill it with.
struct OrdersInALog {
  TempFolder folder;
  NoteSigner key = make_signer("gateway.example/log", {});
  std::uint64_t seq = 0;

  [[nodiscard]] OrderLog log() const { return {folder / "log", folder / "secrets", key}; }

  /// A bundle of these orders, as its file.
  Enforced bundle(std::vector<OrderWithTargets> orders) {
    Snapshot snapshot;
    snapshot.header.feed = kFeed;
    snapshot.header.epoch = 1;
    snapshot.header.seq = ++seq;
    snapshot.orders = std::move(orders);
    for (const OrderWithTargets& order : snapshot.orders) snapshot.header.targets += order.targets.size();
    snapshot.header.orders = snapshot.orders.size();
    const std::string text = write_snapshot(snapshot);
    const std::filesystem::path file = folder.write("bundle" + std::to_string(seq), text);
    return {snapshot.header, to_hex(digests_of(text).sha256), file, {}};
  }
  [[nodiscard]] std::vector<JsonValue> entries() const {
    const LogFiles files(folder / "log");
    const auto head = files.checkpoint(key.who);
    REQUIRE(head.has_value());
    REQUIRE(files.verify(key.who).has_value());
    std::vector<JsonValue> out;
    const auto texts = files.entries(0, head->size, head->size);
    REQUIRE(texts.has_value());
    for (const std::string& text : *texts) {
      out.push_back(read_json(text).value());
      CHECK(canonical_json(out.back()) == text);
    }
    return out;
  }
  [[nodiscard]] std::string types() const {
    std::string out;
    for (const JsonValue& entry : entries()) out.append(out.empty() ? "" : " ").append(entry.text("type"));
    return out;
  }
};

}  // namespace sluice::test
