#include "control/store/alarms.h"

#include <catch2/catch.hpp>

#include "tests/support/temp_folder.h"

using namespace sluice;
using sluice::test::TempFolder;

TEST_CASE("alarms: one entry a code and feed, with its first time, its count and its latest detail") {
  const TempFolder folder;
  Disk disk;
  Alarms alarms(folder / "alarms.json", disk);
  alarms.raise("rollback", "a/x", "first", 1'800'000'000);
  alarms.raise("rollback", "a/x", "second", 1'800'000'100);
  alarms.raise("rollback", "b/x", "other", 1'800'000'200);
  REQUIRE(alarms.list().size() == 2);
  CHECK(alarms.list()[0] == Alarm{"rollback", "a/x", "second", 1'800'000'000, 2});
}

TEST_CASE("alarms: they outlive the process, and a file that is spoiled costs the alarms only") {
  const TempFolder folder;
  Disk disk;
  Alarms(folder / "alarms.json", disk).raise("expired", "a/x", "\"quoted\"\n", 1'800'000'000);
  CHECK(Alarms(folder / "alarms.json", disk).list() ==
        std::vector<Alarm>{{"expired", "a/x", "\"quoted\"\n", 1'800'000'000, 1}});
  folder.write("alarms.json", "{\"alarms\":[{\"code\":");
  CHECK(Alarms(folder / "alarms.json", disk).list().empty());
}

TEST_CASE(
    "alarms: a good bundle supersedes those of its feed and of no feed, but not those of others or of the data plane") {
  const TempFolder folder;
  Disk disk;
  Alarms alarms(folder / "alarms.json", disk);
  alarms.raise("malformed", "", "x", 1);
  alarms.raise("counts", "a/x", "x", 1);
  alarms.raise("counts", "b/x", "x", 1);
  alarms.raise("dataplane-unreachable", "", "x", 1);
  alarms.raise("image-rejected", "", "x", 1);
  alarms.superseded("a/x");
  const auto left = alarms.list();
  REQUIRE(left.size() == 3);
  CHECK(left[0].feed == "b/x");
  CHECK(left[1].code == "dataplane-unreachable");
  CHECK(left[2].code == "image-rejected");
  alarms.clear("image-rejected", "");
  CHECK(alarms.list().size() == 2);
}

TEST_CASE("alarms: what may mean an attack stays until it is acknowledged") {
  const TempFolder folder;
  Disk disk;
  Alarms alarms(folder / "alarms.json", disk);
  for (const char* code :
       {"rollback", "equivocation", "fast-forward", "freeze", "root-rollback", "root-equivocation"}) {
    CAPTURE(code);
    alarms.raise(code, "a/x", "x", 1);
    alarms.superseded("a/x");
    CHECK(alarms.list().size() == 1);
    CHECK_FALSE(alarms.acknowledge(code, "b/x"));
    CHECK(alarms.acknowledge(code, "a/x"));
    CHECK(alarms.list().empty());
  }
  alarms.raise("counts", "a/x", "x", 1);
  CHECK_FALSE(alarms.acknowledge("counts", "a/x"));
}

TEST_CASE("alarms: a disk that refuses keeps no alarm from being seen") {
  Disk disk;
  Alarms alarms("/nowhere/alarms.json", disk);
  alarms.raise("expired", "a/x", "x", 1);
  CHECK(alarms.list().size() == 1);
}
