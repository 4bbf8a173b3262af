#include <catch2/catch.hpp>
#include <random>

#include "tests/support/client_stream.h"
#include "tests/support/stream_wire.h"

namespace sluice {
namespace {

using namespace test;

constexpr std::size_t kFlood = 1'000'000;
constexpr std::uint32_t kFirst = 1400;     ///< bytes of a ClientHello in its first segment
constexpr std::size_t kHonestEvery = 500;  ///< of the flood's segments

TcpNames::Limits limits() {
  const PipelineLimits defaults;
  return {.young_flows = defaults.young_flows,
          .given_names = defaults.given_names,
          .half = {defaults.half_flows, defaults.half_bytes_per_flow, defaults.half_bytes_total}};
}

struct Flood {
  bool syns = false;         ///< before the half hellos of spoofed sources
  bool handshakes = true;    ///< of honest clients are seen in full
  std::size_t between = 50;  ///< segments of the flood between the two of an honest ClientHello
};

/// The share of honest ClientHellos, in two segments, that are read while spoofed sources send half ones.
double honest_share(const Flood& flood) {
  const Buffer hello = tls_client_hello("fine.example", 1500);
  const Bytes first = slice_of(hello, 0, kFirst), rest = slice_of(hello, kFirst, hello.size());
  const auto found = std::make_unique<FoundNames>();
  const auto wire = std::make_unique<StreamWire>(limits(), *found);
  std::mt19937 random(1);
  std::size_t honest = 0, read = 0;
  const auto spoofed = [&] {
    wire->client(static_cast<std::uint32_t>(random()), static_cast<std::uint16_t>(random()));
    if (flood.syns) wire->syn();
    wire->data(0, first);
  };
  for (std::size_t n = 0; n < kFlood; ++n) {
    spoofed();
    if (n % 50'000 == 0) wire->wait_s(1);
    if (n % kHonestEvery != 0) continue;
    const auto address = static_cast<std::uint32_t>(0x0a000000U + honest);
    ++honest;
    wire->client(address, 40000);
    wire->syn();
    if (flood.handshakes) wire->syn_ack();
    wire->data(0, first);
    for (std::size_t i = 0; i < flood.between; ++i, ++n) spoofed();
    wire->client(address, 40000);
    if (wire->data(kFirst, rest).size() == 1) ++read;
    CHECK(wire->half().open_flows() <= 4096);
  }
  return static_cast<double>(read) / static_cast<double>(honest);
}

TEST_CASE("flood: half ClientHellos of a million spoofed sources push out none whose handshake was seen") {
  for (const std::size_t between : {std::size_t{50}, std::size_t{400}}) {
    const double share = honest_share({.between = between});
    WARN("honest names read, handshake seen, " << between << " of the flood in between: " << share * 100 << " %");
    CHECK(share == 1.0);
  }
}

TEST_CASE("flood: SYNs of a million spoofed sources leave most handshakes known, and every ClientHello in order") {
  const double share = honest_share({.syns = true, .between = 50});
  WARN("honest names read under SYNs and half ClientHellos: " << share * 100 << " %");
  CHECK(share > 0.97);
}

TEST_CASE("flood: where one direction is seen, a half ClientHello is pushed out by four others of its set only") {
  // Poisson: 400 of the flood over 1024 sets, four or more in one: 0.07 %.
  const double share = honest_share({.handshakes = false, .between = 400});
  WARN("honest names read, one direction seen, 400 of the flood in between: " << share * 100 << " %");
  CHECK(share > 0.97);
}

}  // namespace
}  // namespace sluice
