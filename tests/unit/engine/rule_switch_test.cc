#include "dataplane/engine/rule_switch.h"

#include <catch2/catch.hpp>
#include <thread>

#include "dataplane/engine/image_file.h"
#include "rules/image/build.h"
#include "tests/support/feeds.h"
#include "tests/support/temp_folder.h"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

std::vector<std::uint8_t> image(const std::vector<std::string>& ids, std::uint8_t seed = 1) {
  std::vector<OrderWithTargets> orders;
  for (const auto& id : ids) orders.push_back(test::block(id, {test::exact("blocked.example")}));
  const Feed feed = test::feed("test.example/feed", {}, std::move(orders));
  return *build_image(std::span(&feed, 1), {}, test::key_pair(seed).secret);
}

/// A switch over images on disk, with a short grace period.
struct Setup {
  test::TempFolder folder;
  std::unique_ptr<CounterFileHeader> header = std::make_unique<CounterFileHeader>();
  std::vector<OrderSlot> slots{64};
  SlotDirectory directory{*header, slots};
  RuleSwitch rules;

  explicit Setup(std::optional<Ed25519PublicKey> key = test::key_pair().open, unsigned workers = 2,
                 std::uint64_t most_bytes = 1 << 20)
      : slots(64), rules(key, most_bytes, workers, directory, 20ms) {}

  Result<Sha256, std::string> load(const std::vector<std::uint8_t>& bytes) {
    return rules.load(folder.write("a.img", {reinterpret_cast<const char*>(bytes.data()), bytes.size()}), 7);
  }
};

}  // namespace

TEST_CASE("rule switch: nothing is in force before the first load") {
  Setup setup;
  CHECK(setup.rules.current() == nullptr);
  CHECK(setup.rules.health().sha256.empty());
}

TEST_CASE("rule switch: a good image is in force, with the slots of its orders, and told by health") {
  Setup setup;
  const auto loaded = setup.load(image({"TEST-1", "TEST-2"}));
  REQUIRE(loaded.has_value());
  const LoadedRules* const now = setup.rules.current();
  REQUIRE(now != nullptr);
  CHECK(now->rules->orders().size() == 2);
  CHECK(now->slots == std::vector<std::uint32_t>{1, 2});
  const RulesHealth health = setup.rules.health();
  CHECK(health.sha256 == hex(*loaded));
  CHECK(health.loaded == 7);
  CHECK(health.orders == 2);
  CHECK(health.names == 1);
  REQUIRE(health.feeds.size() == 1);
  CHECK(health.feeds[0].feed == "test.example/feed");
  CHECK(health.loads == 1);
  CHECK(health.last_error.empty());
}

TEST_CASE("rule switch: an order keeps its counter slot over images") {
  Setup setup;
  REQUIRE(setup.load(image({"TEST-2", "TEST-3"})).has_value());
  REQUIRE(setup.load(image({"TEST-1", "TEST-2"})).has_value());
  CHECK(setup.rules.current()->slots == std::vector<std::uint32_t>{3, 1});
}

TEST_CASE("rule switch: a bad image has its error, and the last good one stays in force") {
  Setup setup;
  REQUIRE(setup.load(image({"TEST-1"})).has_value());
  const LoadedRules* const before = setup.rules.current();
  auto flipped = image({"TEST-1"});
  flipped.back() ^= 1;
  auto cut = image({"TEST-1"});
  cut.pop_back();
  const std::vector<std::pair<std::vector<std::uint8_t>, std::string>> cases = {
      {flipped, "bad-hash"},
      {cut, "truncated"},
      {image({"TEST-1"}, 2), "bad-signature"},
      {std::vector<std::uint8_t>((1 << 20) + 1), "too-large"}};
  for (const auto& [bytes, error] : cases) {
    const auto outcome = setup.load(bytes);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error() == error);
    CHECK(setup.rules.health().last_error == error);
    CHECK(setup.rules.current() == before);
  }
  CHECK(setup.rules.health().rejected == cases.size());
}

TEST_CASE("rule switch: without a key nothing is loaded") {
  Setup setup(std::nullopt);
  const auto outcome = setup.load(image({"TEST-1"}));
  REQUIRE_FALSE(outcome.has_value());
  CHECK(outcome.error() == "no-key");
}

TEST_CASE("rule switch: what a stalled worker may read is kept; two wait, then loads are refused until it moves on") {
  Setup setup;
  REQUIRE(setup.load(image({"TEST-0"})).has_value());
  setup.rules.join(0);
  const LoadedRules* const held = setup.rules.current();  // a worker in the middle of a burst
  for (const char* id : {"TEST-1", "TEST-2"}) {
    const auto stalled = setup.load(image({id}));
    REQUIRE_FALSE(stalled.has_value());
    CHECK(stalled.error() == "worker-stalled");
  }
  CHECK(setup.rules.health().waiting_release == 2);
  CHECK(held->rules->orders()[0].id == "TEST-0");  // under ASan: not freed

  const LoadedRules* const in_force = setup.rules.current();
  CHECK(in_force->rules->orders()[0].id == "TEST-2");
  const auto refused = setup.load(image({"TEST-3"}));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() == "too-many-waiting");
  CHECK(setup.rules.current() == in_force);

  setup.rules.quiescent(0);
  CHECK(setup.rules.health().waiting_release == 0);
  setup.rules.leave(0);
  CHECK(setup.load(image({"TEST-3"})).has_value());
}

TEST_CASE("rule switch: workers read rules that are whole while images are swapped") {
  Setup setup;
  REQUIRE(setup.load(image({"TEST-1"})).has_value());
  std::atomic<bool> stop{false};
  std::atomic<unsigned> wrong{0};
  std::vector<std::thread> workers;
  for (unsigned worker = 0; worker < 2; ++worker) {
    workers.emplace_back([&, worker] {
      setup.rules.join(worker);
      WireName name;
      test::assign(name, "blocked.example");
      while (!stop) {
        const Lookup in{&name, Method::Dns, 1};
        Decision out;
        const LoadedRules* const rules = setup.rules.current();
        rules->rules->lookup({&in, 1}, {&out, 1}, 1, worker);
        if (!out.blocked() || rules->slots.size() != rules->rules->orders().size()) ++wrong;
        setup.rules.quiescent(worker);
        std::this_thread::yield();
      }
      setup.rules.leave(worker);
    });
  }
  const std::vector<std::vector<std::uint8_t>> images = {image({"TEST-1"}), image({"TEST-1", "TEST-2"})};
  unsigned loaded = 0;
  for (unsigned i = 0; i < 50; ++i) {
    const auto outcome = setup.load(images[i % 2]);
    if (outcome.has_value())
      ++loaded;
    else
      CHECK((outcome.error() == "worker-stalled" || outcome.error() == "too-many-waiting"));  // a busy machine
  }
  stop = true;
  for (auto& worker : workers) worker.join();
  CHECK(wrong == 0);
  CHECK(loaded > 0);
}
