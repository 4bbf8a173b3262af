#include "control/publish/dataplane.h"

#include <catch2/catch.hpp>
#include <memory>

#include "tests/support/mutations.h"
#include "tests/support/packet_peer.h"
#include "tests/support/temp_folder.h"

using namespace sluice;
using namespace std::chrono_literals;
using sluice::test::PacketPeer;
using sluice::test::TempFolder;

namespace {
constexpr auto kBanner = R"({"version":"DPDK 22.11.9","pid":42,"max_output_len":16384})";
constexpr auto kHealth = R"({"/sluice/health":{"pid":42,"mode":"enforce","workers":[{"id":0,"poll_age_us":3}],)"
                         R"("image":{"sha256":"ab12","orders":2},"loads":1,"last_error":""}})";
}  // namespace

TEST_CASE("dataplane: health over a real socket, past the banner, again and again on one connection") {
  const TempFolder folder;
  const PacketPeer peer(folder / "t", kBanner, [](const std::string& command) {
    return command == "/sluice/health" ? std::string(kHealth) : std::string();
  });
  Dataplane dataplane(folder / "t");
  for (int i = 0; i < 3; ++i) {
    const auto health = dataplane.health(2000ms);
    REQUIRE(health.has_value());
    CHECK(health->pid == 42);
    CHECK(health->mode == "enforce");
    CHECK(health->image_sha256 == "ab12");
    CHECK(health->json.find("poll_age_us") != std::string::npos);
  }
}

TEST_CASE("dataplane: a load says what runs, or the data plane's own error") {
  const TempFolder folder;
  const PacketPeer peer(folder / "t", kBanner, [](const std::string& command) {
    if (command == "/sluice/load,/good.img") return std::string(R"({"/sluice/load":{"ok":1,"sha256":"cd"}})");
    return std::string(R"({"/sluice/load":{"ok":0,"error":"bad-signature"}})");
  });
  Dataplane dataplane(folder / "t");
  const auto good = dataplane.load("/good.img", 2000ms);
  REQUIRE(good.has_value());
  CHECK(good->ok);
  CHECK(good->sha256 == "cd");
  const auto bad = dataplane.load("/bad.img", 2000ms);
  REQUIRE(bad.has_value());
  CHECK_FALSE(bad->ok);
  CHECK(bad->error == "bad-signature");
}

TEST_CASE("dataplane: nobody there, a silent peer, a closing peer and a lying peer are told apart, and it recovers") {
  const TempFolder folder;
  Dataplane dataplane(folder / "t");
  CHECK(dataplane.health(100ms).error() == SocketError::Unreachable);
  {
    const PacketPeer silent(folder / "t", kBanner, [](const std::string&) { return std::string("-"); });
    CHECK(dataplane.health(50ms).error() == SocketError::Timeout);
  }
  {
    const PacketPeer closing(folder / "t", kBanner, [](const std::string&) { return std::string(); });
    CHECK(dataplane.health(2000ms).error() == SocketError::Closed);
  }
  {
    const PacketPeer lying(folder / "t", kBanner,
                           [](const std::string&) { return std::string("{\"/sluice/health\":"); });
    CHECK(dataplane.health(2000ms).error() == SocketError::Closed);
  }
  {
    const PacketPeer shouting(folder / "t", kBanner, [](const std::string&) { return std::string(20000, ' '); });
    CHECK(dataplane.health(2000ms).error() == SocketError::TooLong);
  }
  const PacketPeer good(folder / "t", kBanner, [](const std::string&) { return std::string(kHealth); });
  CHECK(dataplane.health(2000ms).has_value());
}

TEST_CASE("dataplane: a path too long for the protocol is refused before it is sent") {
  Dataplane dataplane("/nowhere");
  CHECK(dataplane.load(std::string(1100, 'x'), 100ms).error() == SocketError::TooLong);
}

TEST_CASE("dataplane: no answer, however mangled, breaks the reader") {
  const std::string valid = kHealth;
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(valid.data()), valid.size());
  std::size_t read = 0;
  test::for_each_mutation(bytes, [&](Bytes b) {
    const std::string_view text(reinterpret_cast<const char*>(b.data()), b.size());
    read += read_health(text).has_value();
    CHECK_FALSE(read_loaded(text).has_value());
  });
  CHECK(read > 0);
  CHECK_FALSE(read_health(valid.substr(0, valid.size() - 1)).has_value());
  CHECK_FALSE(read_health(R"({"/sluice/health":null})").has_value());
  CHECK_FALSE(read_loaded(R"({"/sluice/load":{"sha256":"x"}})").has_value());
}
