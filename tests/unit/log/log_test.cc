#include "control/log/log.h"

#include <sodium.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_folder.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  test::TempFolder temp;
  fs::path folder = temp.path();
  NoteVerifier who;
  std::array<std::uint8_t, 64> secret{};

  Fixture() {
    std::array<std::uint8_t, 32> seed{};
    std::array<std::uint8_t, 32> key{};
    crypto_sign_seed_keypair(key.data(), secret.data(), seed.data());
    who = make_verifier("gateway.example/log", key);
  }

  [[nodiscard]] Log open() const {
    auto log = Log::open(folder, who, secret);
    if (!log.has_value()) throw std::runtime_error(log.error().detail);
    return std::move(*log);
  }
  static std::vector<std::string> some(std::size_t first, std::size_t count) {
    std::vector<std::string> out;
    for (std::size_t i = first; i < first + count; ++i) out.push_back("{\"entry\":" + std::to_string(i) + "}");
    return out;
  }
};

}  // namespace

TEST_CASE("tiles: paths as C2SP tlog-tiles writes them") {
  CHECK(tile_path(0, 0, 256) == "tile/0/000");
  CHECK(tile_path(0, 1234067, 256) == "tile/0/x001/x234/067");
  CHECK(tile_path(1, 273, 5) == "tile/1/273.p/5");
  CHECK(tile_path(-1, 1000, 256) == "tile/entries/x001/000");
}

TEST_CASE_METHOD(Fixture, "log: grows over many openings, and every entry is provable in every later checkpoint") {
  std::size_t total = 0;
  for (const std::size_t count : {1, 2, 254, 3, 500, 1}) {
    Log log = open();
    REQUIRE(log.size() == total);
    const auto first = log.append(some(total, count));
    REQUIRE(first.has_value());
    CHECK(*first == total);
    total += count;
    const auto head = LogFiles(folder).verify(who);
    REQUIRE(head.has_value());
    CHECK(head->size == total);
  }
  const LogFiles files(folder);
  const auto head = files.checkpoint(who);
  REQUIRE(head.has_value());
  const auto entries = files.entries(0, total, total);
  REQUIRE(entries.has_value());
  CHECK(*entries == some(0, total));
  for (const std::size_t i : {std::size_t{0}, std::size_t{255}, std::size_t{256}, std::size_t{511}, total - 1}) {
    const std::string& entry = (*entries)[i];
    const TreeHash leaf = leaf_hash({reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()});
    CHECK(verify_inclusion(leaf, i, total, inclusion_proof(i, total, files.subtrees(total)), head->root));
  }
}

TEST_CASE_METHOD(Fixture, "log: what a crash left behind the checkpoint is overwritten, and nothing before it") {
  {
    Log log = open();
    REQUIRE(log.append(some(0, 10)).has_value());
  }
  fs::copy_file(folder / "checkpoint", folder / "saved");
  {
    Log log = open();
    REQUIRE(log.append(some(900, 5)).has_value());  // tiles of this append stay, its checkpoint is lost
  }
  fs::rename(folder / "saved", folder / "checkpoint");
  Log log = open();
  CHECK(log.size() == 10);
  REQUIRE(log.append(some(10, 5)).has_value());
  const auto entries = log.files().entries(0, 15, 15);
  REQUIRE(entries.has_value());
  CHECK(*entries == some(0, 15));
  CHECK(log.files().verify(who).has_value());
}

TEST_CASE_METHOD(Fixture, "log: a changed byte in any file is found by verify") {
  {
    Log log = open();
    REQUIRE(log.append(some(0, 300)).has_value());
  }
  std::vector<fs::path> all;
  for (const auto& file : fs::recursive_directory_iterator(folder)) {
    if (file.is_regular_file()) all.push_back(file.path());
  }
  REQUIRE(all.size() >= 5);
  for (const fs::path& path : all) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    char byte = 0;
    file.seekg(5);
    file.get(byte);
    file.seekp(5);
    file.put(static_cast<char>(byte ^ 0x20));
    file.close();
    CAPTURE(path);
    CHECK_FALSE(LogFiles(folder).verify(who).has_value());
    std::fstream back(path, std::ios::in | std::ios::out | std::ios::binary);
    back.seekp(5);
    back.put(byte);
  }
  CHECK(LogFiles(folder).verify(who).has_value());
}

TEST_CASE_METHOD(Fixture, "log: one writer at a time, and only with its key") {
  const Log log = open();
  CHECK_FALSE(Log::open(folder, who, secret).has_value());
  const NoteVerifier stranger = make_verifier("another.example", who.key);
  CHECK(LogFiles(folder).checkpoint(stranger).error().code == LogError::Code::Signature);
}

TEST_CASE_METHOD(Fixture, "log: an entry too large is refused and the log stays as it was") {
  Log log = open();
  REQUIRE(log.append(some(0, 1)).has_value());
  const std::vector<std::string> large{"small", std::string(65536, 'x')};
  CHECK(log.append(large).error().code == LogError::Code::TooLarge);
  CHECK(log.size() == 1);
  CHECK(log.files().verify(who).has_value());
}
