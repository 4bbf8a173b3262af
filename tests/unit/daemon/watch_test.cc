#include "control/daemon/watch.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/packet_peer.h"
#include "tests/support/temp_folder.h"

using namespace sluice;

TEST_CASE("watch: an image that a stalled worker took up late is no alarm any more") {
  const test::TempFolder folder;
  Disk disk;
  Alarms alarms(folder / "alarms.json", disk);
  Config config;
  config.telemetry = (folder / "telemetry").string();
  std::atomic<bool> in_force = false;
  test::PacketPeer dataplane(config.telemetry, R"({"version":"DPDK"})", [&](const std::string& command) -> std::string {
    if (command != "/sluice/health") {
      in_force = true;
      return R"({"/sluice/load":{"ok":0,"error":"worker-stalled"}})";
    }
    return std::string(R"({"/sluice/health":{"pid":1,"mode":"enforce","image":{"sha256":")") +
           (in_force ? "bb" : "aa") + R"("},"last_error":""}})";
  });
  DataplaneWatch watch(config, alarms, -1);
  watch.want({"/images/b.img", "bb"});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!watch.view().get()->runs_current && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(watch.view().get()->runs_current);
  CHECK(in_force);
  CHECK(alarms.list().empty());
}
