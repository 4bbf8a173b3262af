#include "control/store/store.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <system_error>

#include "tests/support/temp_folder.h"

using namespace sluice;
using sluice::test::TempFolder;
namespace fs = std::filesystem;

namespace {

/// A disk that fails at the n-th step, before or after it took effect, as a crash or a full disk would.
class FailingDisk final : public Disk {
 public:
  int steps_left = -1;  ///< -1: never fails
  bool after = false;

  void make_folder(const fs::path& folder) override {
    step([&] { Disk::make_folder(folder); });
  }
  void replace_file(const fs::path& file, std::string_view bytes) override {
    step([&] { Disk::replace_file(file, bytes); });
  }
  void move_folder(const fs::path& from, const fs::path& to) override {
    step([&] { Disk::move_folder(from, to); });
  }
  void replace_link(const fs::path& link, const std::string& target) override {
    step([&] { Disk::replace_link(link, target); });
  }
  void remove(const fs::path& path) override {
    step([&] { Disk::remove(path); });
  }

 private:
  template <class Do>
  void step(Do&& act) {
    const bool fails = steps_left == 0;
    if (!fails || after) act();
    if (fails) throw std::system_error(ENOSPC, std::generic_category(), "disk");
    if (steps_left > 0) --steps_left;
  }
};

const std::string kFeed = "pta.example/terror";

FeedState state_of(std::uint64_t seq, char digit) {
  return {kFeed, 1, seq, std::string(64, digit), 1'800'000'000};
}

void stage_and_keep(Store& store, const FeedState& state) {
  const fs::path staged = store.stage();
  std::ofstream(staged / "bundle.jsonl") << "bundle " << state.seq;
  std::ofstream(staged / "0.minisig") << "signature";
  store.keep(state, staged);
}

std::string content(const fs::path& file) {
  return read_whole(file, 1000);
}

}  // namespace

TEST_CASE("store: what was kept is there for the next process, with its signatures") {
  const TempFolder folder;
  Disk disk;
  {
    Store store(folder.path(), disk);
    CHECK_FALSE(store.state(kFeed).has_value());
    stage_and_keep(store, state_of(1, 'a'));
    stage_and_keep(store, state_of(2, 'b'));
  }
  const Store store(folder.path(), disk);
  const auto state = store.state(kFeed);
  REQUIRE(state.has_value());
  CHECK(*state == state_of(2, 'b'));
  const BundleFiles files = store.files(*state);
  CHECK(content(files.bundle) == "bundle 2");
  CHECK(files.signatures.size() == 1);
}

TEST_CASE("store: whichever step fails, the old snapshot or the new one stands whole, and the next attempt succeeds") {
  for (const bool after : {false, true}) {
    int failures = 0;
    for (int step = 0;; ++step) {
      const TempFolder folder;
      FailingDisk disk;
      Store store(folder.path(), disk);
      stage_and_keep(store, state_of(1, 'a'));
      disk.steps_left = step;
      disk.after = after;
      bool failed = false;
      try {
        stage_and_keep(store, state_of(2, 'b'));
      } catch (const std::system_error&) {
        failed = true;
      }
      disk.steps_left = -1;
      Store next(folder.path(), disk);  // as after a restart
      const auto state = next.state(kFeed);
      REQUIRE(state.has_value());
      CHECK(content(next.files(*state).bundle) == "bundle " + std::to_string(state->seq));
      CHECK(next.files(*state).signatures.size() == 1);
      stage_and_keep(next, state_of(2, 'b'));
      CHECK(next.state(kFeed)->seq == 2);
      CHECK(content(next.files(*next.state(kFeed)).bundle) == "bundle 2");
      if (!failed) break;
      ++failures;
    }
    CHECK(failures >= 6);
  }
}

TEST_CASE("store: a state that cannot be read is an error, not a clean slate") {
  const TempFolder folder;
  Disk disk;
  const Store store(folder.path(), disk);
  for (const char* text :
       {"", "{}", "nonsense", R"({"feed":"other/feed","epoch":1,"seq":1,"sha256":"","accepted":""})",
        R"({"feed":"pta.example/terror","epoch":1,"seq":1,"sha256":"ab","accepted":"2026-01-01T00:00:00Z"})"}) {
    folder.write("feeds/pta.example-terror/state.json", text);
    CHECK_THROWS_AS(store.state(kFeed), std::runtime_error);
  }
}

TEST_CASE("store: current.img is a relative link, replaced whole; a few older images are kept, and no more") {
  const TempFolder folder;
  Disk disk;
  Store store(folder.path(), disk);
  for (int i = 0; i < 9; ++i) {
    const fs::path image = folder.write("images/" + std::to_string(i) + ".img", "image");
    store.activate(image);
    CHECK(fs::read_symlink(store.current_image()) == image.filename());
  }
  std::size_t images = 0;
  for (const auto& entry : fs::directory_iterator(store.images())) images += entry.is_symlink() ? 0 : 1;
  CHECK(images == 4);
  CHECK(fs::exists(folder / "images/8.img"));
}

TEST_CASE("store: a link that cannot be replaced leaves the old one") {
  const TempFolder folder;
  FailingDisk disk;
  Store store(folder.path(), disk);
  store.activate(folder.write("images/1.img", "1"));
  disk.steps_left = 0;
  CHECK_THROWS_AS(store.activate(folder.write("images/2.img", "2")), std::system_error);
  CHECK(fs::read_symlink(store.current_image()) == "1.img");
}

TEST_CASE("store: copying in refuses what is too large, a symlink, a folder and a FIFO, and never overwrites") {
  const TempFolder folder;
  const fs::path from = folder.write("from", "0123456789");
  CHECK(copy_in(from, folder / "a", 10) == 10);
  CHECK(folder.read("a") == "0123456789");
  CHECK_THROWS_AS(copy_in(from, folder / "a", 10), std::system_error);
  try {
    copy_in(from, folder / "b", 9);
    FAIL("too large a file was copied");
  } catch (const std::system_error& e) {
    CHECK(e.code() == std::errc::file_too_large);
  }
  fs::create_symlink(from, folder / "link");
  fs::create_directory(folder / "dir");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  for (const char* name : {"link", "dir", "fifo", "missing"}) {
    CHECK_THROWS_AS(copy_in(folder / name, folder / "c", 100), std::system_error);
  }
}
