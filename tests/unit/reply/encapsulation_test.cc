#include "dataplane/reply/encapsulation.h"

#include <array>
#include <catch2/catch.hpp>

#include "dataplane/packet/parse.h"
#include "tests/support/frames.h"
#include "tests/support/mutations.h"

namespace sluice {
namespace {

using namespace test;

constexpr unsigned kUdp = 17, kGre = 47, kAh = 51;

PacketView parsed(const Octets& frame) {
  PacketView view;
  parse_packet(frame, LinkType::Ethernet, view);
  REQUIRE(view.cause == Cause::None);
  return view;
}

Octets inner() {
  return ipv4(kUdp, udp(40000, 53, text("query")));
}
Octets gre(unsigned flags, const Octets& options) {
  return ethernet(0x0800, ipv4(kGre, join({be16(flags), be16(0x0800), options, inner()})));
}

/// Ways back for every tunnel of 10.0.0.1 to 192.0.2.53, the end points that ipv4() makes.
Paths all_ways() {
  std::vector<WayBack> ways;
  for (const Tunnel tunnel : {Tunnel::Ip, Tunnel::Gre, Tunnel::Vxlan, Tunnel::Geneve, Tunnel::GtpUser}) {
    WayBack way;
    way.tunnel = tunnel;
    way.from = {10, 0, 0, 1};
    way.to = {192, 0, 2, 53};
    ways.push_back(way);
  }
  WayBack labels;
  labels.tunnel = Tunnel::Mpls;
  labels.in = TunnelIds{.count = 2, .id = {16, 17}};
  labels.out = TunnelIds{.count = 1, .id = {300}};
  ways.push_back(labels);
  Paths paths;
  paths.ways_back = WaysBack(std::move(ways));
  return paths;
}

TEST_CASE("encapsulation: without a tunnel there is always a way back, through one only where it is configured") {
  CHECK(has_way_back(parsed(ethernet(0x8100, vlan(0x8864, pppoe(0x21, inner())))), {}));
  CHECK_FALSE(has_way_back(parsed(gre(0, {})), {}));
  CHECK(has_way_back(parsed(gre(0, {})), all_ways()));
  CHECK(has_way_back(parsed(gre(0x2000, be32(7))), all_ways()));
}

TEST_CASE("encapsulation: what cannot be repeated has no way back") {
  const Paths paths = all_ways();
  CHECK_FALSE(has_way_back(parsed(gre(0x1000, be32(7))), paths));  // sequence number
  CHECK_FALSE(has_way_back(parsed(gre(0x8000, be32(7))), paths));  // checksum
  Ipv4Fields options;
  options.options = {0x94, 4, 0, 0};
  CHECK_FALSE(has_way_back(parsed(ethernet(0x0800, ipv4(4, inner(), options))), paths));
  CHECK(has_way_back(parsed(ethernet(0x0800, ipv4(4, inner()))), paths));
  const Octets geneve = join({u8(1), u8(0), be16(0x0800), be32(7 << 8), be32(0), inner()});
  CHECK_FALSE(has_way_back(parsed(ethernet(0x0800, ipv4(kUdp, udp(1, 6081, geneve)))), paths));
  CHECK_FALSE(has_way_back(parsed(ethernet(0x8847, mpls(17, true, inner()))), paths));
  // IPsec's authentication header, with a way back for everything around it.
  const Octets authenticated = join({u8(kUdp), u8(4), be16(0), be32(1), be32(1), Octets(12, 0), udp(1, 53, text("q"))});
  CHECK_FALSE(has_way_back(parsed(ethernet(0x0800, ipv4(4, ipv4(kAh, authenticated)))), paths));
}

TEST_CASE("encapsulation: a tunnel in a tunnel needs a way back for each") {
  const Octets twice = ethernet(0x0800, ipv4(4, ipv4(kGre, join({be16(0), be16(0x0800), inner()}))));
  CHECK(has_way_back(parsed(twice), all_ways()));
  WayBack outer;
  outer.from = {10, 0, 0, 1};
  outer.to = {192, 0, 2, 53};
  Paths one;
  one.ways_back = WaysBack({outer});
  CHECK_FALSE(has_way_back(parsed(twice), one));
}

TEST_CASE("encapsulation: whatever is wrong with a frame, nothing is read or written outside of it") {
  const Octets bridged = ethernet(0x8100, vlan(0x0800, inner()));
  const auto outer = [](unsigned port, const Octets& header, const Octets& payload) {
    return ethernet(0x0800, ipv4(kUdp, udp(2152, port, join({header, payload}))));
  };
  const std::vector<Octets> frames = {
      gre(0x2000, be32(7)),
      ethernet(0x0800, ipv4(4, inner())),
      outer(4789, join({be32(0x08000000), be32(7 << 8)}), bridged),
      outer(6081, join({u8(0), u8(0), be16(0x6558), be32(7 << 8)}), bridged),
      outer(2152, join({be16(0x30ff), be16(inner().size()), be32(7)}), inner()),
      ethernet(0x88a8, vlan(0x8847, mpls(16, false, mpls(17, true, join({be32(0), bridged}))))),
      ethernet(0x8864, pppoe(0x21, inner())),
  };
  const Paths paths = all_ways();
  unsigned made = 0;
  for (const Octets& frame : frames) {
    for_each_mutation(frame, [&](Bytes bytes) {
      PacketView view;
      parse_packet(bytes, LinkType::Ethernet, view);
      if (view.cause != Cause::None) return;
      for (const Way way : {Way::Back, Way::Onward}) {
        std::vector<std::uint8_t> out(view.l3);
        Encapsulation encapsulation;
        if (!encapsulation.write(view, way, paths, out)) continue;
        out.resize(encapsulation.size() + 28);
        encapsulation.finish(out);
        ++made;
      }
    });
  }
  CHECK(made > 10'000);
}

TEST_CASE("encapsulation: never writes past its room") {
  const Octets frame = gre(0x2000, be32(7));
  const PacketView view = parsed(frame);
  const Paths paths = all_ways();
  for (std::size_t room = 0; room <= view.l3; ++room) {
    std::vector<std::uint8_t> out(room);
    Encapsulation made;
    CHECK(made.write(view, Way::Back, paths, out) == (room == view.l3));
  }
}

}  // namespace
}  // namespace sluice
