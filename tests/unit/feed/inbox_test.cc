#include "control/feed/inbox.h"

#include <poll.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/temp_folder.h"

using namespace sluice;
using sluice::test::TempFolder;
namespace fs = std::filesystem;

namespace {
bool readable(int fd) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, 1000) == 1;
}
}  // namespace

TEST_CASE("inbox: a bundle comes with the signatures that bear its name, and no others") {
  const TempFolder folder;
  Inbox inbox(folder.path());
  folder.write("a.jsonl", "x");
  folder.write("a.jsonl.00AA.minisig", "s");
  folder.write("a.jsonl.00BB.minisig", "s");
  folder.write("b.jsonl.00CC.minisig", "s");
  folder.write("ab.jsonl.00DD.minisig", "s");
  folder.write(".hidden.jsonl", "x");
  folder.write("note.txt", "x");
  const auto arrivals = inbox.scan();
  REQUIRE(arrivals.size() == 1);
  CHECK(arrivals[0].name() == "a.jsonl");
  REQUIRE(arrivals[0].signatures.size() == 2);
  CHECK(arrivals[0].signatures[0].filename() == "a.jsonl.00AA.minisig");
  CHECK(arrivals[0].newest_ns > 0);
}

TEST_CASE("inbox: a closed or moved file wakes the watcher, and draining calms it") {
  const TempFolder folder;
  Inbox inbox(folder / "in");
  CHECK_FALSE(inbox.drain());
  folder.write("in/a.jsonl", "x");
  REQUIRE(readable(inbox.fd()));
  CHECK(inbox.drain());
  CHECK_FALSE(inbox.drain());
  fs::rename(folder.write("b.jsonl", "x"), folder / "in/b.jsonl");
  REQUIRE(readable(inbox.fd()));
  CHECK(inbox.drain());
}

TEST_CASE("inbox: what is settled lies in accepted/ or rejected/ with the reason, and is not seen again") {
  const TempFolder folder;
  Inbox inbox(folder.path());
  folder.write("a.jsonl", "x");
  folder.write("a.jsonl.1.minisig", "s");
  folder.write("b.jsonl", "y");
  for (const Arrival& arrival : inbox.scan()) {
    const bool good = arrival.name() == "a.jsonl";
    inbox.settle(arrival, good ? Inbox::Fate::Accepted : Inbox::Fate::Rejected, "unsigned: no signature");
  }
  CHECK(inbox.scan().empty());
  CHECK(folder.read("accepted/a.jsonl") == "x");
  CHECK(folder.read("accepted/a.jsonl.1.minisig") == "s");
  CHECK(folder.read("rejected/b.jsonl") == "y");
  CHECK(folder.read("rejected/b.jsonl.why") == "unsigned: no signature\n");
  CHECK_FALSE(fs::exists(folder / "a.jsonl.1.minisig"));
}

TEST_CASE("inbox: what cannot be moved is not processed twice, but is when it changes") {
  const TempFolder folder;
  Inbox inbox(folder.path());
  folder.write("a.jsonl", "x");
  fs::remove(folder / "rejected");  // as good as a folder that may not be written
  inbox.settle(inbox.scan().at(0), Inbox::Fate::Rejected, "malformed");
  CHECK(fs::exists(folder / "a.jsonl"));
  CHECK(inbox.scan().empty());
  folder.write("a.jsonl", "another");
  CHECK(inbox.scan().size() == 1);
}

TEST_CASE("inbox: unsigned bundles keep no signed one waiting") {
  const TempFolder folder;
  Inbox inbox(folder.path());
  for (std::size_t i = 0; i < Inbox::kMaxArrivals + 8; ++i) folder.write("junk" + std::to_string(i) + ".jsonl", "x");
  folder.write("z.jsonl", "x");
  folder.write("z.jsonl.1.minisig", "s");
  const auto arrivals = inbox.scan();
  CHECK(arrivals.size() == Inbox::kMaxArrivals);
  CHECK(arrivals[0].name() == "z.jsonl");
}

TEST_CASE("inbox: a bundle that was replaced while it was judged is a new arrival, not a settled one") {
  const TempFolder folder;
  Inbox inbox(folder.path());
  folder.write("a.jsonl", "x");
  folder.write("a.jsonl.1.minisig", "s");
  const Arrival judged = inbox.scan().at(0);
  fs::rename(folder.write("new", "y"), folder / "a.jsonl");
  inbox.settle(judged, Inbox::Fate::Accepted, "");
  REQUIRE(inbox.scan().size() == 1);
  CHECK(folder.read("a.jsonl") == "y");
  CHECK(fs::exists(folder / "a.jsonl.1.minisig"));
}

TEST_CASE("inbox: symlinks and folders are not bundles") {
  const TempFolder folder;
  Inbox inbox(folder.path());
  fs::create_symlink("/etc/passwd", folder / "a.jsonl");
  fs::create_directory(folder / "b.jsonl");
  CHECK(inbox.scan().empty());
}

TEST_CASE("inbox: accepted/ and rejected/ keep the newest bundles only") {
  const TempFolder folder;
  Inbox inbox(folder.path());
  for (std::size_t i = 0; i < Inbox::kKept + 3; ++i) {
    folder.write("n" + std::to_string(i) + ".jsonl", "x");
    inbox.settle(inbox.scan().at(0), Inbox::Fate::Rejected, "malformed");
  }
  const auto in_rejected = [&](const char* suffix) {
    std::size_t n = 0;
    for (const auto& entry : fs::directory_iterator(folder / "rejected")) n += entry.path().string().ends_with(suffix);
    return n;
  };
  CHECK(in_rejected(".jsonl") == Inbox::kKept);
  CHECK(in_rejected(".why") == Inbox::kKept);
  CHECK(fs::exists(folder / ("rejected/n" + std::to_string(Inbox::kKept + 2) + ".jsonl")));
}

TEST_CASE("inbox: a link in place of the reason does not lead the writing out of the inbox") {
  const TempFolder folder;
  Inbox inbox(folder / "in");
  const fs::path state = folder.write("state.json", "precious");
  fs::create_symlink(state, folder / "in/rejected/a.jsonl.why");
  folder.write("in/a.jsonl", "x");
  inbox.settle(inbox.scan().at(0), Inbox::Fate::Rejected, "malformed");
  CHECK(folder.read("state.json") == "precious");
  CHECK(folder.read("in/rejected/a.jsonl.why") == "malformed\n");
}

TEST_CASE("inbox: a link in place of a folder does not lead what is settled out of the inbox") {
  const TempFolder folder;
  folder.write("feeds/bundle.jsonl", "the last good one");
  const bool before_start = GENERATE(true, false);
  const auto put_link = [&] {
    if (!before_start) fs::rename(folder / "in/rejected", folder / "in/moved away");
    fs::create_directory_symlink(folder / "feeds", folder / "in/rejected");
  };
  fs::create_directory(folder / "in");
  if (before_start) put_link();
  Inbox inbox(folder / "in");
  if (!before_start) put_link();
  folder.write("in/bundle.jsonl", "x");
  inbox.settle(inbox.scan().at(0), Inbox::Fate::Rejected, "malformed");
  CHECK(folder.read("feeds/bundle.jsonl") == "the last good one");
  CHECK_FALSE(fs::exists(folder / "feeds/bundle.jsonl.why"));
  CHECK(inbox.scan().empty());
}
