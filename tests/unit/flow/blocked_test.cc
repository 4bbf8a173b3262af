#include "dataplane/flow/blocked.h"

#include <catch2/catch.hpp>
#include <vector>

#include "dataplane/flow/young.h"
#include "dataplane/packet/parse.h"
#include "tests/support/made_packets.h"

namespace sluice {
namespace {

using namespace test;

FlowKey numbered(std::uint64_t n) {
  FlowKey key;
  key.words[0] = n;
  key.words[4] = 6;
  return key;
}

TEST_CASE("flow key: one connection has one key, whichever way its packet goes") {
  for (const bool v6 : {false, true}) {
    const Endpoints e = v6 ? Endpoints::v6() : Endpoints{};
    const Buffer there = udp_frame(e, {}), back = udp_frame(e.reversed(), {});
    PacketView a, b;
    parse_packet(there, LinkType::Ethernet, a);
    parse_packet(back, LinkType::Ethernet, b);
    CHECK(flow_key(a, Sender::Client) == flow_key(b, Sender::Server));
    CHECK_FALSE(flow_key(a, Sender::Client) == flow_key(b, Sender::Client));
  }
}

TEST_CASE("flow hash: depends on the seed and on every word of the key") {
  const FlowKey key = numbered(7);
  CHECK(flow_hash(key, 1) != flow_hash(key, 2));
  for (std::size_t word = 0; word < 5; ++word) {
    FlowKey changed = key;
    changed.words[word] ^= 1U << 20;
    CHECK(flow_hash(changed, 1) != flow_hash(key, 1));
  }
}

TEST_CASE("flow hash: fills the sets of a table evenly") {
  std::vector<unsigned> sets(1024);
  for (std::uint64_t n = 0; n < 65536; ++n) ++sets[flow_hash(numbered(n), 99) & 1023];
  for (const unsigned n : sets) {
    CHECK(n > 20);
    CHECK(n < 130);
  }
}

TEST_CASE("tombstones: hold until their second, for their key alone") {
  BlockedFlows table(64);
  const std::uint64_t hash = 5;
  CHECK(table.empty(1));
  REQUIRE(table.insert(numbered(1), hash, {}, 10, 70));
  CHECK_FALSE(table.empty(69));
  CHECK(table.find(numbered(1), hash, 69) != nullptr);
  CHECK(table.find(numbered(1), hash, 70) == nullptr);
  CHECK(table.find(numbered(2), hash, 69) == nullptr);
  CHECK(table.empty(70));
  table.erase(numbered(1), hash);
  CHECK(table.find(numbered(1), hash, 20) == nullptr);
}

TEST_CASE("tombstones: a full set takes no more until one runs out; the same connection is renewed in place") {
  BlockedFlows table(4);
  for (std::uint32_t n = 0; n < 4; ++n) REQUIRE(table.insert(numbered(n), n, {}, 10, 20 + n));
  CHECK_FALSE(table.insert(numbered(9), 9, {}, 10, 70));
  CHECK(table.insert(numbered(3), 3, {}, 10, 90));
  CHECK(table.insert(numbered(9), 9, {}, 20, 70));
  CHECK(table.find(numbered(0), 0, 19) == nullptr);
  CHECK(table.find(numbered(9), 9, 20) != nullptr);
}

TEST_CASE(
    "tombstones: in TCP what is near the blocked bytes belongs to them, across the wrap; in UDP everything does") {
  const StreamPlace place{.client = 0xfffffff0, .server = 7'000'000};
  PacketView view;
  view.proto = IpProto::Tcp;
  view.tcp_flags = kAck;
  const auto client = [&](std::uint32_t seq) { return view.seq = seq, belongs(view, Sender::Client, place); };
  const auto server = [&](std::uint32_t seq, std::uint32_t ack) {
    view.seq = seq;
    view.ack = ack;
    return belongs(view, Sender::Server, place);
  };
  const auto window = static_cast<std::uint32_t>(kStreamWindow);
  for (const std::uint32_t seq : {place.client, place.client + window, place.client - window}) CHECK(client(seq));
  for (const std::uint32_t seq : {place.client + window + 1, place.client - window - 1}) CHECK_FALSE(client(seq));
  CHECK(server(1, place.client + 300));
  CHECK(server(place.server + 300, 1));
  CHECK_FALSE(server(1, 1'000'000));
  view.tcp_flags = kRst;  // acknowledges nothing
  CHECK_FALSE(server(1, place.client));
  CHECK(server(place.server, 0));
  view.proto = IpProto::Udp;
  CHECK(client(77));
}

TEST_CASE("young: is forgotten after its lifetime, across the wrap of the stored second") {
  YoungFlows table(16);
  const std::uint32_t start = 0x1ffff;
  REQUIRE(table.insert(77, start, YoungFlows::State::Syn) != nullptr);
  CHECK(table.find(77, start + YoungFlows::kLifetime_s) != nullptr);
  CHECK(table.find(77, start + YoungFlows::kLifetime_s + 1) == nullptr);
  CHECK(table.find(78ULL << 32, start) == nullptr);
}

TEST_CASE("young: begun streams give way, then the oldest unanswered SYN; answered connections that wait do not") {
  using State = YoungFlows::State;
  YoungFlows table(4);
  const auto id = [](std::uint64_t n) { return n << 32; };
  for (std::uint64_t n = 1; n <= 4; ++n) REQUIRE(table.insert(id(n), 1, State::SynAck) != nullptr);
  CHECK(table.insert(id(5), 1, State::Syn) == nullptr);
  REQUIRE(table.insert(id(2), 1, State::Syn) != nullptr);
  REQUIRE(table.insert(id(3), 2, State::Syn) != nullptr);
  REQUIRE(table.insert(id(4), 1, State::Tls) != nullptr);
  for (const std::uint64_t n : {4U, 2U, 3U}) {
    CHECK(table.insert(id(n + 10), 3, State::SynAck) != nullptr);
    CHECK(table.find(id(n), 3) == nullptr);
  }
  CHECK(table.insert(id(5), 3, State::Syn) == nullptr);
  CHECK(table.find(id(1), 3) != nullptr);
}

}  // namespace
}  // namespace sluice
