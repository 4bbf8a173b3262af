#include "control/stage/stage.h"

#include <catch2/catch.hpp>

#include "tests/support/temp_folder.h"

using namespace sluice;

namespace {

constexpr const char* kFeed = "f.example/list";
constexpr UnixSeconds kNow = 1'000'000;
const std::string kBase(64, 'a');

struct Gateway {
  test::TempFolder folder;
  Config config;
  Disk disk;
  Stage stage;

  explicit Gateway(ApplyPolicy policy = ApplyPolicy::Direct)
      : config(with(policy)), stage(folder / "apply.json", disk, config) {}
  static Config with(ApplyPolicy policy) {
    Config config;
    config.feeds.push_back({kFeed, "", {}});
    config.feeds[0].apply = {.policy = policy, .soak_s = 100, .watch_s = 50, .health = {}};
    return config;
  }
  void arrive(UnixSeconds now = kNow, bool hold = false) { stage.put(stage.arrival(kFeed, kBase, {}, now, hold)); }
  /// All that time brings until `now`; the phase after it, "" where the feed stands for good.
  std::string after(UnixSeconds now, const HealthSample& health = {}) {
    while (auto step = stage.advance(health, now)) stage.put(std::move(step->next));
    return phase();
  }
  [[nodiscard]] std::string phase() const {
    const StagedApply* const staged = find_staged(stage.state(), kFeed);
    return staged == nullptr ? "" : std::string(to_string(staged->phase));
  }
};

HealthSample sample(std::uint64_t names, std::uint64_t blocked, std::uint64_t observed = 0) {
  return {.run = 1, .names = names, .blocked = blocked, .observed = observed};
}

}  // namespace

TEST_CASE("stage: a direct feed is enforced at once, watched, and then stands") {
  Gateway g;
  g.arrive();
  CHECK(g.phase() == "watched");
  CHECK(marks_of(g.stage.state(), g.folder / "images").staged.empty());
  CHECK(bases_of(g.stage.state()) == std::set<std::string>{kBase});
  CHECK(g.after(kNow + 49) == "watched");
  CHECK(g.after(kNow + 50).empty());
}

TEST_CASE("stage: a staged feed soaks, is enforced by itself, watched, and then stands") {
  Gateway g(ApplyPolicy::Staged);
  g.arrive();
  CHECK(g.after(kNow + 99) == "soaking");
  CHECK(g.after(kNow + 100) == "watched");
  CHECK(g.after(kNow + 150).empty());
}

TEST_CASE("stage: a clock that is put back keeps no lawful order waiting") {
  Gateway g(ApplyPolicy::Staged);
  g.arrive();
  CHECK(g.after(kNow - 1'000'000) == "soaking");
  CHECK(g.after(kNow - 1'000'000 + 100) == "soaking");
}

TEST_CASE("stage: a manual feed waits for a word, whatever time it is") {
  Gateway g(ApplyPolicy::Manual);
  g.arrive();
  CHECK(g.after(kNow + 1'000'000) == "waiting");
  g.stage.put(*g.stage.enforce(kFeed, {}, kNow, 0));
  CHECK(g.phase() == "watched");
  CHECK(g.after(kNow + 50).empty());
}

TEST_CASE("stage: applied for a time, it is held back again unless it was confirmed") {
  Gateway g(ApplyPolicy::Manual);
  g.arrive();
  g.stage.put(*g.stage.enforce(kFeed, {}, kNow, 200));
  CHECK(g.after(kNow + 199) == "watched");
  CHECK(g.after(kNow + 200) == "waiting");
  g.stage.put(*g.stage.enforce(kFeed, {}, kNow, 200));
  g.stage.put(*g.stage.confirm(kFeed));
  CHECK(g.after(kNow + 500).empty());
}

TEST_CASE("stage: hold puts a direct feed in shadow first, as the bundle after an undone one is") {
  Gateway g;
  g.arrive(kNow, true);
  CHECK(g.phase() == "soaking");
  g.stage.put(*g.stage.undo(kFeed, kNow));
  CHECK(g.after(kNow + 1'000'000) == "undone");
  g.arrive();
  CHECK(g.phase() == "soaking");
}

TEST_CASE("stage: what holds nothing back is over once the image is made, and nothing is due then") {
  Gateway g(ApplyPolicy::Manual);
  g.arrive();
  CHECK(g.stage.state().image_due);
  g.stage.image_made({kFeed});
  CHECK(g.phase() == "waiting");
  CHECK_FALSE(g.stage.state().image_due);
  g.stage.image_made({});
  CHECK(g.phase().empty());
}

TEST_CASE("stage: every word outlives a restart, and a file that is not ours is said so") {
  Gateway g(ApplyPolicy::Staged);
  g.arrive();
  g.stage.put(*g.stage.refuse({kFeed, "A-100", "overblocking", "a \"why\"\n", kNow, 7}));
  g.stage.put(*g.stage.shadow({kFeed, "B-100", kNow, 7}, true));
  g.stage.put(*g.stage.shadow({kFeed, "", kNow, 7}, true));
  const Stage again(g.folder / "apply.json", g.disk, g.config);
  CHECK(again.state() == g.stage.state());
  CHECK(again.trouble().empty());
  g.folder.write("apply.json", "{}");
  CHECK_FALSE(Stage(g.folder / "apply.json", g.disk, g.config).trouble().empty());
}

TEST_CASE("stage: a word that says nothing is an error") {
  Gateway g;
  CHECK_FALSE(g.stage.refuse({kFeed, "A-100", "", "why", kNow, 0}));
  CHECK_FALSE(g.stage.refuse({kFeed, "A-100", "9x", "why", kNow, 0}));
  CHECK_FALSE(g.stage.refuse({kFeed, "A-100", "code", "", kNow, 0}));
  CHECK_FALSE(g.stage.unrefuse(kFeed, "A-100"));
  CHECK_FALSE(g.stage.shadow({kFeed, "A-100", kNow, 0}, false));
  CHECK_FALSE(g.stage.undo(kFeed, kNow));
  CHECK_FALSE(g.stage.confirm(kFeed));
  for (std::size_t i = 0; i < Stage::kMaxMarks; ++i) {
    g.stage.put(*g.stage.refuse({kFeed, "A-" + std::to_string(100 + i), "code", "why", kNow, 0}));
  }
  CHECK_FALSE(g.stage.refuse({kFeed, "ONE-MORE", "code", "why", kNow, 0}));
  CHECK(g.stage.refuse({kFeed, "A-100", "other", "why", kNow, 0}));
}

TEST_CASE("stage: of a base that is lost nothing is held back") {
  Gateway g(ApplyPolicy::Staged);
  g.arrive();
  CHECK(marks_of(g.stage.state(), g.folder / "images").staged.empty());
  std::filesystem::create_directories(g.folder / "images");
  g.folder.write("images/" + kBase + ".img", "");
  CHECK(marks_of(g.stage.state(), g.folder / "images").staged.size() == 1);
}

TEST_CASE("health: a rise of the share of blocked names beyond the bound undoes, in shadow as well as enforced") {
  for (const ApplyPolicy policy : {ApplyPolicy::Direct, ApplyPolicy::Staged}) {
    Gateway g(policy);
    g.stage.put(g.stage.arrival(kFeed, kBase, sample(10'000, 1'000), kNow, false));
    const auto seen = [&](std::uint64_t names, std::uint64_t hits) {
      return policy == ApplyPolicy::Direct ? sample(10'000 + names, 1'000 + hits) : sample(10'000 + names, 1'000, hits);
    };
    const std::string phase = g.phase();
    CHECK(g.after(kNow, seen(0, 0)) == phase);
    CHECK(g.after(kNow + 1, seen(999, 999)) == phase);
    // 10 % were blocked before, so 30 % are within the bound of 20 points; nothing was in shadow.
    CHECK(g.after(kNow + 2, seen(10'000, policy == ApplyPolicy::Direct ? 3'000 : 2'000)) == phase);
    CHECK(g.after(kNow + 3, seen(20'000, 6'100)) == "undone");
    CHECK_FALSE(find_staged(g.stage.state(), kFeed)->why.empty());
  }
}

TEST_CASE("health: dropped packets and a worker that stands still undo, a data plane out of reach does not") {
  Gateway g;
  g.arrive();
  CHECK(g.after(kNow, {}) == "watched");
  CHECK(g.after(kNow, {.run = 1}) == "watched");
  CHECK(g.after(kNow, {.run = 1, .rx_pkts = 20'000, .dropped_pkts = 4'000}) == "watched");
  CHECK(g.after(kNow, {.run = 1, .rx_pkts = 20'000, .dropped_pkts = 4'100}) == "undone");
  Gateway still;
  still.arrive();
  CHECK(still.after(kNow, {.run = 1, .oldest_poll_ms = 2000}) == "watched");
  CHECK(still.after(kNow, {.run = 1, .oldest_poll_ms = 2001}) == "undone");
}

TEST_CASE("health: another run of the data plane is counted from its own beginning") {
  Gateway g;
  g.arrive();
  CHECK(g.after(kNow, {.run = 1, .names = 5'000}) == "watched");
  CHECK(g.after(kNow, {.run = 2, .names = 2'000, .blocked = 2'000}) == "watched");
  CHECK(g.after(kNow, {.run = 2, .names = 4'000, .blocked = 4'000}) == "undone");
}
