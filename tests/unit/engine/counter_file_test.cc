#include "dataplane/engine/counter_file.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_folder.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

constexpr auto kRows = [] {
  std::array<Row, kCauseCount> rows{};
  rows[static_cast<std::size_t>(Cause::TooDeep)] = Row::Drop;
  return rows;
}();

/// A process id that no process has: that of a child that has been waited for.
pid_t dead_pid() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

}  // namespace

TEST_CASE("counter file: the link leads to this process's file, which says how it is laid out") {
  const test::TempFolder folder;
  auto file = CounterFile::create(folder.path(), 2, std::nullopt, kRows, 77);
  REQUIRE(file.has_value());
  CHECK(fs::read_symlink(folder.path() / "counters") == "counters." + std::to_string(getpid()));
  CHECK(fs::file_size(folder.path() / "counters") ==
        sizeof(CounterFileHeader) + kOrderSlots * sizeof(OrderSlot) + 2 * sizeof(WorkerCounters));
  const CounterFileHeader& header = (*file)->header();
  CHECK(header.magic == kCounterMagic);
  CHECK(header.workers == 2);
  CHECK(header.order_slots == kOrderSlots);
  CHECK(header.causes == kCauseCount);
  CHECK(std::ranges::equal(std::span(header.rows).first(kCauseCount), kRows));
  CHECK(header.header_bytes == sizeof(CounterFileHeader));
  CHECK(header.started_unix_ns == 77);
  CHECK(header.pid == static_cast<std::uint64_t>(getpid()));
}

TEST_CASE("counter file: what a worker counts is in the file") {
  const test::TempFolder folder;
  auto file = CounterFile::create(folder.path(), 2, std::nullopt, kRows, 0);
  REQUIRE(file.has_value());
  add((*file)->worker(1).rx_pkts[0], 5);
  std::ifstream in(folder.path() / "counters", std::ios::binary);
  in.seekg(static_cast<std::streamoff>(sizeof(CounterFileHeader) + kOrderSlots * sizeof(OrderSlot) +
                                       sizeof(WorkerCounters)));
  std::uint64_t value = 0;
  in.read(reinterpret_cast<char*>(&value), sizeof value);
  CHECK(value == 5);
}

TEST_CASE("counter file: only owner and group may read it, whatever the umask") {
  const test::TempFolder folder;
  const mode_t before = umask(0777);
  auto file = CounterFile::create(folder.path(), 1, std::nullopt, kRows, 0);
  umask(before);
  REQUIRE(file.has_value());
  struct stat status{};
  REQUIRE(stat((folder.path() / "counters").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("counter file: files of dead processes go, those of living ones and of others stay") {
  const test::TempFolder folder;
  const auto dead = folder.path() / ("counters." + std::to_string(dead_pid()));
  const auto living = folder.path() / ("counters." + std::to_string(getppid()));
  const auto foreign = folder.path() / "counters.txt";
  for (const auto& path : {dead, living, foreign}) std::ofstream(path) << "x";
  REQUIRE(CounterFile::create(folder.path(), 1, std::nullopt, kRows, 0).has_value());
  CHECK_FALSE(fs::exists(dead));
  CHECK(fs::exists(living));
  CHECK(fs::exists(foreign));
}

TEST_CASE("counter file: a folder that is not there is an error that names it") {
  const auto file = CounterFile::create("/nonexistent/sluice", 1, std::nullopt, kRows, 0);
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().find("/nonexistent/sluice") != std::string::npos);
}
