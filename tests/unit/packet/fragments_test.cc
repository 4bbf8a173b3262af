#include "dataplane/packet/fragments.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "dataplane/packet/parse.h"
#include "tests/support/frames.h"
#include "tests/support/print_cause.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

Octets slice(const Octets& from, std::size_t offset, std::size_t length) {
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(offset);
  return {begin, begin + static_cast<std::ptrdiff_t>(length)};
}

/// One fragment of a datagram's bytes, tagged and behind IPv4 or IPv6.
Octets piece(const Octets& datagram, std::size_t offset, std::size_t length, bool ipv6, unsigned id = 7) {
  const Octets data = slice(datagram, offset, std::min(length, datagram.size() - offset));
  const bool more = offset + data.size() < datagram.size();
  if (ipv6) {
    return ethernet(0x8100,
                    vlan(0x86dd, test::ipv6(44, ipv6_fragment(17, static_cast<unsigned>(offset), more, id, data))));
  }
  const auto field = static_cast<unsigned>(offset / 8 | (more ? 0x2000U : 0U));
  return ethernet(0x8100, vlan(0x0800, ipv4(17, data, {.id = id, .flags_and_offset = field})));
}

std::vector<Octets> pieces(const Octets& datagram, std::size_t length, bool ipv6, unsigned id = 7) {
  std::vector<Octets> all;
  for (std::size_t at = 0; at < datagram.size(); at += length) all.push_back(piece(datagram, at, length, ipv6, id));
  return all;
}

struct Table {
  explicit Table(const FragmentLimits& limits = {}) : fragments(limits, 99), buffer(fragments.buffer_bytes()) {}

  Cause add(const Octets& frame, std::uint64_t now_ns = 1) {
    PacketView view;
    parse_packet(frame, LinkType::Ethernet, view);
    REQUIRE(view.cause == Cause::Fragment);
    fragments.add(view, now_ns, buffer, out);
    return out.cause;
  }
  [[nodiscard]] Octets payload() const {
    const Bytes bytes = out.payload_bytes();
    return {bytes.begin(), bytes.end()};
  }

  Fragments fragments;
  std::vector<std::uint8_t> buffer;
  PacketView out;
};

Octets numbered(std::size_t bytes) {
  Octets all(bytes);
  for (std::size_t i = 0; i < bytes; ++i) all[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return all;
}

}  // namespace

TEST_CASE("fragments: give the datagram with the piece that completes it, in any order") {
  const Octets payload = numbered(300);
  std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same orders in every run
  for (const bool v6 : {false, true}) {
    for (int n = 0; n < 50; ++n) {
      auto all = pieces(udp(4000, 53, payload), 64, v6);
      std::shuffle(all.begin(), all.end(), random);
      Table table;
      for (std::size_t i = 0; i + 1 < all.size(); ++i) REQUIRE(table.add(all[i]) == Cause::Fragment);
      REQUIRE(table.add(all.back()) == Cause::None);
      CHECK(table.payload() == payload);
      CHECK(table.out.src_port == 4000);
      CHECK(table.out.dst_port == 53);
      CHECK(table.out.ipv6 == v6);
      CHECK(table.out.tag_count == 1);
      CHECK_FALSE(table.out.one_way);
    }
  }
}

TEST_CASE("fragments: an IPv4 datagram is given behind a header with a right checksum") {
  Table table;
  for (const Octets& frame : pieces(udp(1, 53, numbered(100)), 56, false)) (void)table.add(frame);
  REQUIRE(table.out.cause == Cause::None);
  std::uint32_t sum = 0;
  for (unsigned i = 0; i < 20; i += 2) sum += load_be16(table.out.data + table.out.l3 + i);
  CHECK((sum & 0xffff) + (sum >> 16) == 0xffff);
}

TEST_CASE("fragments: datagrams that differ in id, address or protocol do not mix") {
  Table table;
  const Octets datagram = udp(1, 53, numbered(100));
  CHECK(table.add(piece(datagram, 0, 64, false, 1)) == Cause::Fragment);
  CHECK(table.add(piece(datagram, 64, 64, false, 2)) == Cause::Fragment);
  Octets other =
      ethernet(0x0800, ipv4(17, slice(datagram, 64, 44), {.id = 1, .flags_and_offset = 8, .src = {10, 0, 0, 2}}));
  CHECK(table.add(other) == Cause::Fragment);
  other = ethernet(0x0800, ipv4(6, slice(datagram, 64, 44), {.id = 1, .flags_and_offset = 8}));
  CHECK(table.add(other) == Cause::Fragment);
  CHECK(table.add(piece(datagram, 64, 64, false, 1)) == Cause::None);
}

TEST_CASE("fragments: of IPv6 the first one tells the protocol") {
  Table table;
  const Octets datagram = udp(1, 53, numbered(100));
  CHECK(table.add(ethernet(0x86dd, test::ipv6(44, ipv6_fragment(6, 64, false, 7, slice(datagram, 64, 44))))) ==
        Cause::Fragment);
  CHECK(table.add(piece(datagram, 0, 64, true)) == Cause::None);
  CHECK(table.out.proto == IpProto::Udp);
}

TEST_CASE("fragments: a copy changes nothing, an overlap refuses the datagram until it times out") {
  Octets datagram = udp(1, 53, numbered(200));
  for (const bool v6 : {false, true}) {
    Table table({.timeout_ns = 30 * kSecond});
    CHECK(table.add(piece(datagram, 0, 64, v6)) == Cause::Fragment);
    CHECK(table.add(piece(datagram, 0, 64, v6)) == Cause::Fragment);
    CHECK(table.add(piece(datagram, 56, 64, v6)) == Cause::FragmentOverlap);
    CHECK(table.add(piece(datagram, 64, 144, v6)) == Cause::FragmentOverlap);
    for (const Octets& frame : pieces(datagram, 104, v6)) (void)table.add(frame, 31 * kSecond);
    CHECK(table.out.cause == Cause::None);
  }
  Table table;
  CHECK(table.add(piece(datagram, 0, 64, false)) == Cause::Fragment);
  datagram[10] ^= 1;
  CHECK(table.add(piece(datagram, 0, 64, false)) == Cause::FragmentOverlap);
}

TEST_CASE("fragments: ends that disagree refuse the datagram") {
  const Octets short_one = udp(1, 53, numbered(100));
  const Octets long_one = udp(1, 53, numbered(200));
  Table beyond_end;
  CHECK(beyond_end.add(piece(short_one, 64, 64, false)) == Cause::Fragment);
  CHECK(beyond_end.add(piece(long_one, 128, 64, false)) == Cause::FragmentOverlap);
  Table two_ends;
  CHECK(two_ends.add(piece(long_one, 192, 64, false)) == Cause::Fragment);
  CHECK(two_ends.add(piece(short_one, 64, 64, false)) == Cause::FragmentOverlap);
}

TEST_CASE("fragments: times out from its first fragment") {
  const Octets datagram = udp(1, 53, numbered(100));
  Table table({.timeout_ns = 30 * kSecond});
  CHECK(table.add(piece(datagram, 0, 64, false), kSecond) == Cause::Fragment);
  CHECK(table.add(piece(datagram, 64, 64, false), 31 * kSecond) == Cause::Fragment);
  CHECK(table.add(piece(datagram, 0, 64, false), 60 * kSecond) == Cause::None);
}

TEST_CASE("fragments: once complete every further fragment gives the datagram again, with its own bytes") {
  Octets datagram = udp(1, 53, numbered(100));
  Table table;
  (void)table.add(piece(datagram, 0, 64, false));
  REQUIRE(table.add(piece(datagram, 64, 64, false)) == Cause::None);
  CHECK(table.add(piece(datagram, 64, 64, false)) == Cause::None);
  datagram.back() = 0xee;
  CHECK(table.add(piece(datagram, 64, 64, false)) == Cause::None);
  CHECK(table.payload().back() == 0xee);
  const Octets longer = udp(1, 853, numbered(120));
  CHECK(table.add(piece(longer, 64, 80, false)) == Cause::None);
  CHECK(table.out.dst_port == 53);
  CHECK(table.add(piece(longer, 0, 64, false)) == Cause::None);
  CHECK(table.out.dst_port == 853);
  CHECK(table.payload() == numbered(120));
}

TEST_CASE("fragments: a datagram beyond the kept bytes is given by its start") {
  const Octets payload = numbered(4000);
  Table table({.datagram_bytes = 1024});
  const auto all = pieces(udp(4000, 53, payload), 640, true);
  CHECK(table.add(all[3]) == Cause::Fragment);
  CHECK(table.add(all[1]) == Cause::Fragment);
  CHECK(table.add(all[0]) == Cause::None);
  CHECK(table.payload() == slice(payload, 0, 1024 - 8));
  CHECK(table.add(all[5]) == Cause::None);
}

TEST_CASE("fragments: keeps the largest datagram of all in whole") {
  const Octets payload = numbered(64000);
  Table table({.datagrams = 8, .datagram_bytes = 64512});
  for (const Octets& frame : pieces(udp(4000, 53, payload), 1480, false)) (void)table.add(frame);
  REQUIRE(table.out.cause == Cause::None);
  CHECK(table.payload() == payload);
}

TEST_CASE("fragments: a flood costs the oldest datagrams their place and no memory") {
  Table table({.datagrams = 8});
  const std::size_t before = table.fragments.memory_bytes();
  const Octets datagram = udp(1, 53, numbered(100));
  for (unsigned id = 0; id < 1000; ++id)
    REQUIRE(table.add(piece(datagram, 0, 64, true, id), id + 1) == Cause::Fragment);
  CHECK(table.fragments.evicted() == 1000 - 8);
  CHECK(table.fragments.memory_bytes() == before);
  CHECK(table.add(piece(datagram, 64, 64, true, 999), 2000) == Cause::None);
  CHECK(table.add(piece(datagram, 64, 64, true, 0), 2000) == Cause::Fragment);
}

TEST_CASE("fragments: in a tunnel they give what is inside the tunnel") {
  const Octets inner = ipv4(17, udp(4000, 53, numbered(100)), {.src = {172, 16, 0, 9}});
  const Octets gtp = udp(2152, 2152, join({{0x30, 0xff}, be16(inner.size()), be32(7), inner}));
  Table table;
  for (const Octets& frame : pieces(gtp, 80, false)) (void)table.add(frame);
  REQUIRE(table.out.cause == Cause::None);
  CHECK(table.payload() == numbered(100));
  CHECK(table.out.one_way);
  CHECK(table.out.src()[0] == 172);
}

TEST_CASE("fragments: a datagram that goes on behind its last fragment gives nothing of what stood there before") {
  Table table({.datagrams = 8, .datagram_bytes = 512});
  const Octets old = udp(4000, 53, Octets(300, 0xee));
  for (unsigned id = 0; id < 8; ++id) {
    for (const Octets& frame : pieces(old, 160, false, id)) (void)table.add(frame);
  }
  const std::uint64_t later_ns = 100 * kSecond;
  const Octets fresh = udp(4000, 53, Octets(120, 0));
  CHECK(table.add(piece(fresh, 0, 64, false), later_ns) == Cause::Fragment);
  const Octets ends = slice(fresh, 0, 84), goes_on = slice(fresh, 0, 108);
  CHECK(table.add(piece(ends, 64, 20, false), later_ns) == Cause::None);
  CHECK(table.add(piece(goes_on, 88, 20, false), later_ns) == Cause::None);
  CHECK(table.payload() == Octets(100, 0));
}

TEST_CASE("fragments: say that a datagram was given before") {
  Table table;
  const std::vector<Octets> all = pieces(udp(4000, 53, numbered(100)), 64, true);
  std::vector<bool> again;
  for (const std::size_t i : {0U, 1U, 1U, 0U}) {
    PacketView view;
    parse_packet(all[i], LinkType::Ethernet, view);
    again.push_back(table.fragments.add(view, 1, table.buffer, table.out));
  }
  CHECK(again == std::vector<bool>{false, false, true, true});
}
