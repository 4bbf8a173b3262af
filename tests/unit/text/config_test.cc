#include "rules/text/config.h"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

constexpr std::string_view kSmall = R"(schema: sluice/config/1
feeds:
  - {feed: f, root: /r.json}
)";

std::string errors_of(std::string_view text) {
  const auto config = read_config(text);
  if (config.has_value()) return "none";
  std::string out;
  for (const TextError& e : config.error()) out += (out.empty() ? "" : "\n") + to_string(e, "c");
  return out;
}
std::string plus(std::string_view more) {
  return errors_of(std::string(kSmall) + std::string(more));
}

}  // namespace

TEST_CASE("config: the file of docs/interfaces.md is read whole") {
  const auto config = read_config(R"(schema: sluice/config/1
feeds:
  - feed: pta.example/terror
    root: /etc/sluice/roots/pta.example-terror.json
    priority: 10            # higher stands over lower
    external: true          # EDE 16; false: the operator's own list, EDE 15
  - {feed: own, root: /own.json, priority: 255, external: false}
state: /s
run: /r
image_key: /k
match: {engine: hyperscan}
compile: {socket: /cs, key: /ck, state: /cst}
dataplane: {enabled: false, telemetry: /t, counters: /c, wire: /w}
limits: {bundle_bytes: 1073741825, orders: 5, targets: 6}
api: {socket: /as, admin_uids: [0, 1000]}
)");
  REQUIRE(config.has_value());
  REQUIRE(config->feeds.size() == 2);
  CHECK(config->feeds[0].feed == "pta.example/terror");
  CHECK(config->feeds[0].root == "/etc/sluice/roots/pta.example-terror.json");
  CHECK(config->feeds[0].policy.priority == 10);
  CHECK(config->feeds[0].policy.external);
  CHECK(config->find("own")->policy.priority == 255);
  CHECK_FALSE(config->find("own")->policy.external);
  CHECK(config->find("absent") == nullptr);
  CHECK(config->state == "/s");
  CHECK(config->run == "/r");
  CHECK(config->image_key == "/k");
  CHECK(config->match_with_hyperscan);
  CHECK(config->compile_socket == "/cs");
  CHECK(config->compile_key == "/ck");
  CHECK(config->compile_state == "/cst");
  CHECK_FALSE(config->dataplane_enabled);
  CHECK(config->telemetry == "/t");
  CHECK(config->counters == "/c");
  CHECK(config->wire == "/w");
  CHECK(config->limits.bytes == 1073741825);
  CHECK(config->limits.orders == 5);
  CHECK(config->limits.targets == 6);
  CHECK(config->api_socket == "/as");
  CHECK(config->admin_uids == std::vector<std::uint32_t>{0, 1000});
}

TEST_CASE("config: what is left out keeps its default") {
  const auto config = read_config(kSmall);
  REQUIRE(config.has_value());
  CHECK(config->state == "/var/lib/sluice");
  CHECK(config->admin_uids == std::vector<std::uint32_t>{0});
  CHECK(config->limits.targets == 10'000'000);
  CHECK(config->feeds[0].policy.external);
}

TEST_CASE("config: every error is told with line and column") {
  CHECK(errors_of("{}") == "c:1:1: missing field \"schema\"\nc:1:1: missing field \"feeds\"");
  CHECK(errors_of("schema: x\nfeeds: []") == "c:1:9: schema must be sluice/config/1\nc:2:8: at least one feed");
  CHECK(errors_of("schema: sluice/config/1\nfeeds: [{feed: F}]") ==
        "c:2:16: not a feed name\nc:2:9: missing field \"root\"");
  CHECK(errors_of("schema: sluice/config/1\nfeeds: [{feed: f, root: /a}, {feed: f, root: /b}]") ==
        "c:2:30: feed f stands twice");
  CHECK(plus("stat: /x") == "c:4:1: unknown field \"stat\"");
  CHECK(plus("state: x") == "c:4:8: expected an absolute path");
  CHECK(plus("state: /a\nstate: /b") == "c:5:1: duplicate key \"state\"");
  CHECK(plus("match: {engine: fast}") == "c:4:17: engine must be table or hyperscan");
  CHECK(plus("match: table") == "c:4:8: expected a map");
  CHECK(plus("limits: {orders: -1}") == "c:4:18: expected a whole number from 0 to 1099511627776");
  CHECK(plus("limits: {orders: 1e3}") == "c:4:18: expected a whole number from 0 to 1099511627776");
  CHECK(plus("limits: {orders: []}") == "c:4:18: expected a whole number from 0 to 1099511627776");
  CHECK(plus("api: {admin_uids: [4294967296]}") == "c:4:20: expected a whole number from 0 to 4294967295");
  CHECK(plus("dataplane: {enabled: yes}") == "c:4:22: expected true or false");
  CHECK(plus("compile: {sock: /x}") == "c:4:11: unknown field \"sock\"");
}
