#include "rules/text/root.h"

#include <catch2/catch.hpp>

#include "rules/text/rfc3339.h"
#include "tests/support/mutations.h"

using namespace sluice;

namespace {

constexpr std::string_view kRoot = R"({
  "schema": "sluice/root/1",
  "feed": "pta.example/terror",
  "version": 3,
  "epoch": 1,
  "expires": "2027-11-01T00:00:00Z",
  "keys": [
    {"party":"requester","name":"duty desk","minisign":"RWSxhNFp3x41KrDKj4FbWLJA9T3gkmDS0XiffqBEJwFIFHgmtVERBHfY"},
    {"party":"independent","name":"court","minisign":"RWTEnva98fW/fu99my20jc1Ww+yq4A5VRPcwBFwFf6X+/WkV+Vm5xNf0"}
  ],
  "thresholds": {"requester":1,"independent":1}
}
)";

std::string error_of(std::string_view from, std::string_view to) {
  std::string text(kRoot);
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  const auto root = read_root(text.replace(at, from.size(), to));
  return root.has_value() ? "none" : to_string(root.error(), "r");
}

}  // namespace

TEST_CASE("root: what was written is read, and written again the same") {
  const auto root = read_root(kRoot);
  REQUIRE(root.has_value());
  CHECK(root->feed == "pta.example/terror");
  CHECK(root->version == 3);
  CHECK(root->epoch == 1);
  CHECK(root->expires == parse_rfc3339("2027-11-01T00:00:00Z"));
  REQUIRE(root->keys.size() == 2);
  CHECK(root->keys[1].party == Party::Independent);
  CHECK(root->keys[1].name == "court");
  CHECK(key_id(root->keys[0].key.number) == "2A351EDF69D184B1");
  CHECK(root->thresholds == std::map<Party, unsigned>{{Party::Requester, 1}, {Party::Independent, 1}});
  CHECK(write_root(*root) == kRoot);
}

TEST_CASE("root: every error is told with line and column") {
  CHECK(error_of("root/1", "root/2") == "r:2:13: schema must be \"sluice/root/1\"");
  CHECK(error_of("pta.example/terror", "PTA") == "r:3:11: not a feed name");
  CHECK(error_of("\"version\": 3", "\"version\": 0") == "r:4:14: versions begin at 1");
  CHECK(error_of("\"epoch\": 1", "\"epoch\": \"1\"") == "r:5:12: expected a whole number");
  CHECK(error_of("  \"epoch\": 1,\n", "") == "r:1:1: missing field \"epoch\"");
  CHECK(error_of("\"epoch\": 1", "\"epoch\": 1, \"epoch\": 1") == "r:5:15: duplicate field \"epoch\"");
  CHECK(error_of("\"epoch\": 1", "\"epoch\": 1, \"x\": 1") == "r:5:15: unknown field \"x\"");
  CHECK(error_of("2027-11-01T00:00:00Z", "2027") == "r:6:14: expected a time like 2026-11-02T00:00:00Z");
  CHECK(error_of("\"requester\"", "\"police\"") ==
        "r:8:5: party must be \"requester\", \"independent\" or \"operator\"");
  CHECK(error_of("\"name\":\"court\",", "") == "r:9:5: a key needs a name");
  CHECK(error_of("RWSx", "RWS") == "r:8:5: minisign must be line 2 of a minisign public key file");
  CHECK(error_of("RWTEnva98fW/fu99my20jc1Ww+yq4A5VRPcwBFwFf6X+/WkV+Vm5xNf0",
                 "RWSxhNFp3x41KrDKj4FbWLJA9T3gkmDS0XiffqBEJwFIFHgmtVERBHfY") == "r:9:5: a key stands twice");
  CHECK(error_of("{\"requester\":1", "{\"requester\":2") == "r:11:17: requester: fewer keys than the threshold");
  CHECK(error_of("{\"requester\":1", "{\"requester\":0") ==
        "r:11:30: a threshold is at least 1 and at most the number of keys");
  CHECK(error_of("{\"requester\":1,\"independent\":1}", "{\"requester\":1}") ==
        "r:11:17: no threshold for \"independent\"");
  CHECK(error_of("\"requester\":1,", "") == "r:11:17: two parties must sign");
  CHECK(error_of("\"requester\":1,", "\"court\":1,") == "r:11:18: unknown field \"court\"");
}

TEST_CASE("root: text that is not one object is malformed") {
  CHECK_FALSE(read_root("").has_value());
  CHECK_FALSE(read_root("[]").has_value());
  CHECK_FALSE(read_root(std::string(kRoot) + "{}").has_value());
  CHECK_FALSE(read_root(std::string(kMaxRootBytes + 1, ' ')).has_value());
}

TEST_CASE("root: no mutation does harm, and what is accepted is written and read again") {
  test::for_each_mutation({reinterpret_cast<const std::uint8_t*>(kRoot.data()), kRoot.size()}, [](Bytes bytes) {
    const auto root = read_root({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!root.has_value()) return;
    const auto again = read_root(write_root(*root));
    REQUIRE(again.has_value());
    CHECK(*again == *root);
  });
}
