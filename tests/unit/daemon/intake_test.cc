#include "control/daemon/intake.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <string_view>

#include "rules/image/build.h"
#include "rules/sign/digest.h"
#include "tests/support/feeds.h"
#include "tests/support/packet_peer.h"
#include "tests/support/temp_folder.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

constexpr const char* kFeed = "test.example/feed";
constexpr int kNever = -1;  ///< a descriptor that poll() passes over

/// A sluiced of one feed whose bundle was accepted in an earlier life.
struct Setup {
  test::TempFolder folder;
  Config config;
  Disk disk;
  Store store{folder / "state", disk};
  Alarms alarms{store.alarms_file(), disk};
  Inbox inbox{folder / "state/inbox"};
  Ledger ledger{config, alarms};

  Setup() {
    config.feeds.push_back({kFeed, (folder / "root.json").string(), {}});
    config.state = (folder / "state").string();
    config.image_key = folder.write("image.pub", to_hex(test::key_pair().open)).string();
    config.compile_socket = (folder / "compile.sock").string();
    store.stage();
    folder.write("state/staging/bundle.jsonl", "not read here");
    store.keep({kFeed, 1, 1, std::string(64, 'a'), 0}, store.staging());
  }
  Intake intake() {
    static const Guard kGuard(shipped_lists());
    return {config,
            kGuard,
            store,
            alarms,
            inbox,
            ledger,
            {[](const RulesView&) {}, [](const fs::path&, const std::string&) {}},
            kNever};
  }
  [[nodiscard]] bool alarmed(std::string_view code) const {
    return std::ranges::any_of(alarms.list(), [&](const Alarm& alarm) { return alarm.code == code; });
  }
  /// What sluice-compile answers once it has made a good image.
  [[nodiscard]] std::string good_answer() const {
    const Feed feed = test::feed(kFeed, {}, {test::block("TEST-1", {test::exact("blocked.example")})});
    const auto image = *build_image(std::span(&feed, 1), {}, test::key_pair().secret);
    const fs::path file =
        folder.write("state/images/good.img", {reinterpret_cast<const char*>(image.data()), image.size()});
    return R"({"ok":true,"image":")" + file.string() + R"(","sha256":")" +
           to_hex(digests_of({reinterpret_cast<const char*>(image.data()), image.size()}).sha256) +
           R"(","orders":1,"names":1,"patterns":0,"seconds":0.1})";
  }
};

}  // namespace

TEST_CASE("intake: a bundle that is gone from the disk is an alarm, and neither start nor export fails over it") {
  Setup setup;
  fs::remove_all(setup.folder / "state/feeds/test.example-feed/1-1-aaaaaaaaaaaa");
  Intake intake = setup.intake();
  CHECK_NOTHROW(intake.recover(1));
  CHECK(setup.alarmed("compile-failed"));
  CHECK_NOTHROW(intake.tick(100));
  CHECK_FALSE(intake.export_rpz(test::name("rpz.example"), 1).has_value());
}

TEST_CASE("intake: trouble with building the image is over with the first image that can be built") {
  Setup setup;
  std::atomic<bool> well = false;
  test::PacketPeer compiler(setup.config.compile_socket, "", [&](const std::string&) {
    return well ? setup.good_answer()
                : R"({"ok":false,"feed":"test.example/feed","error":"unreadable","detail":"cannot read"})";
  });
  Intake intake = setup.intake();
  intake.recover(1);
  CHECK(setup.alarmed("compile-failed"));
  well = true;
  intake.tick(100);
  CHECK(intake.view().rules != nullptr);
  CHECK_FALSE(setup.alarmed("compile-failed"));
}

TEST_CASE("intake: a damaged image is an alarm until it is built again") {
  Setup setup;
  std::atomic<bool> well = false;
  test::PacketPeer compiler(setup.config.compile_socket, "",
                            [&](const std::string&) { return well ? setup.good_answer() : std::string(); });
  setup.store.activate(setup.folder.write("state/images/bad.img", "damaged"));
  Intake intake = setup.intake();
  intake.recover(1);
  CHECK(setup.alarmed("image-rejected"));
  well = true;
  intake.tick(100);
  CHECK(intake.view().rules != nullptr);
  CHECK_FALSE(setup.alarmed("image-rejected"));
}
