#include <catch2/catch.hpp>
#include <random>

#include "dataplane/filter/tcp_names.h"
#include "tests/support/client_stream.h"

namespace sluice {
namespace {

using namespace test;

constexpr std::size_t kFlood = 1'000'000;
constexpr std::size_t kHonestEvery = 500;  ///< of the flood's segments

/// Feeds TcpNames without frames: the views point at one buffer, whose addresses and payload are changed in place.
class Wire {
 public:
  explicit Wire(Bytes payload) : names_(limits()), found_(std::make_unique<FoundNames>()) {
    bytes_.resize(20 + 20);
    put(bytes_, payload);
    view_.data = bytes_.data();
    view_.len = static_cast<std::uint32_t>(bytes_.size());
    view_.proto = IpProto::Tcp;
    view_.l4 = 20;
    view_.payload = 40;
    view_.dst_port = 443;
  }
  static TcpNames::Limits limits() {
    const PipelineLimits defaults;
    return {.young_flows = defaults.young_flows,
            .given_names = defaults.given_names,
            .half = {defaults.half_flows, defaults.half_bytes_per_flow, defaults.half_bytes_total}};
  }

  void client(std::uint32_t address, std::uint16_t port) {
    store_be32(bytes_.data() + 12, address);
    view_.src_port = port;
    key_ = flow_key(view_, Sender::Client);
    hash_ = flow_hash(key_, 42);
  }
  void syn() {
    view_.seq = 999;
    view_.tcp_flags = kSyn;
    (void)names_.start(key_, hash_, view_, now_s_);
  }
  void syn_ack() {
    PacketView answer = view_;
    answer.seq = 4999;
    answer.ack = 1000;
    names_.answer(hash_, answer, now_s_);
  }
  /// True where a name was read.
  bool data(std::uint32_t from, std::uint32_t to) {
    view_.seq = 1000 + from;
    view_.ack = 5000;
    view_.tcp_flags = kAck;
    view_.payload = static_cast<std::uint16_t>(40 + from);
    view_.payload_len = to - from;
    found_->clear();
    (void)names_.read(key_, hash_, view_, now_s_, 0, *found_);
    return found_->size() == 1;
  }
  void wait_s(std::uint32_t seconds) { now_s_ += seconds; }
  [[nodiscard]] const HalfRead& half() const { return names_.half(); }

 private:
  TcpNames names_;
  std::unique_ptr<FoundNames> found_;
  Buffer bytes_;
  PacketView view_;
  FlowKey key_;
  std::uint64_t hash_ = 0;
  std::uint32_t now_s_ = 1;
};

struct Flood {
  bool syns = false;         ///< before the half hellos of spoofed sources
  bool handshakes = true;    ///< of honest clients are seen in full
  std::size_t between = 50;  ///< segments of the flood between the two of an honest ClientHello
};

/// The share of honest ClientHellos, in two segments, that are read while spoofed sources send half ones.
double honest_share(const Flood& flood) {
  const Buffer hello = tls_client_hello("fine.example", 1500);
  const auto end = static_cast<std::uint32_t>(hello.size());
  const auto wire = std::make_unique<Wire>(hello);
  const std::size_t memory = wire->half().memory_bytes();
  std::mt19937 random(1);
  std::size_t honest = 0, read = 0;
  const auto spoofed = [&] {
    wire->client(static_cast<std::uint32_t>(random()), static_cast<std::uint16_t>(random()));
    if (flood.syns) wire->syn();
    wire->data(0, 1400);
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
    wire->data(0, 1400);
    for (std::size_t i = 0; i < flood.between; ++i, ++n) spoofed();
    wire->client(address, 40000);
    if (wire->data(1400, end)) ++read;
    CHECK(wire->half().memory_bytes() == memory);
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
