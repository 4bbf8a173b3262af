#include "dataplane/packet/parse.h"

#include <catch2/catch.hpp>

#include "tests/support/frames.h"
#include "tests/support/mutations.h"
#include "tests/support/print_cause.h"

using namespace sluice;
using namespace sluice::test;

namespace {

PacketView parse(const Octets& frame, LinkType link = LinkType::Ethernet) {
  PacketView view;
  parse_packet(frame, link, view);
  return view;
}

Octets payload_of(const PacketView& view) {
  const Bytes bytes = view.payload_bytes();
  return {bytes.begin(), bytes.end()};
}

const Octets kHello = text("hello");
const Octets kUdp = udp(4000, 53, kHello);
const Octets kTcp = tcp(4000, 443, kHello);

void check_udp(const PacketView& view, bool one_way) {
  CHECK(view.cause == Cause::None);
  CHECK(view.proto == IpProto::Udp);
  CHECK(view.src_port == 4000);
  CHECK(view.dst_port == 53);
  CHECK(payload_of(view) == kHello);
  CHECK(view.one_way == one_way);
}

}  // namespace

TEST_CASE("packet: finds a UDP payload over IPv4") {
  const Octets frame = ethernet(0x0800, ipv4(17, kUdp));
  const PacketView view = parse(frame);
  check_udp(view, false);
  CHECK(view.l3 == 14);
  CHECK(view.l4 == 34);
  CHECK(view.payload == 42);
  CHECK_FALSE(view.ipv6);
  CHECK(Octets(view.src().begin(), view.src().end()) == Octets{10, 0, 0, 1});
  CHECK(Octets(view.dst().begin(), view.dst().end()) == Octets{192, 0, 2, 53});
}

TEST_CASE("packet: reads every TCP field behind IPv4 and TCP options") {
  const TcpFields fields{.seq = 0x01020304, .ack = 0x05060708, .flags = 0x12, .options = Octets(12, 1)};
  const Octets frame = ethernet(0x0800, ipv4(6, tcp(5000, 443, kHello, fields), {.options = Octets(40, 1)}));
  const PacketView view = parse(frame);
  CHECK(view.cause == Cause::None);
  CHECK(view.proto == IpProto::Tcp);
  CHECK(view.l4 == 14 + 60);
  CHECK(view.payload == 14 + 60 + 32);
  CHECK(view.seq == 0x01020304);
  CHECK(view.ack == 0x05060708);
  CHECK(view.tcp_flags == (kSyn | kAck));
  CHECK(view.window == 64240);
  CHECK(payload_of(view) == kHello);
}

TEST_CASE("packet: Ethernet padding is not payload") {
  Octets frame = ethernet(0x0800, ipv4(6, tcp(1, 2, {})));
  frame.resize(60);
  CHECK(parse(frame).cause == Cause::None);
  CHECK(parse(frame).payload_len == 0);
}

TEST_CASE("packet: VLAN tags of all three kinds keep the way back") {
  const Octets frame = ethernet(0x88a8, vlan(0x9100, vlan(0x8100, vlan(0x86dd, ipv6(17, kUdp)))));
  const PacketView view = parse(frame);
  check_udp(view, false);
  CHECK(view.tag_count == 3);
  CHECK(view.l3 == 14 + 12);
  CHECK(view.ipv6);
}

TEST_CASE("packet: follows as many tags as kMaxEncapsulations and no more") {
  Octets inner = ipv4(17, kUdp);
  unsigned type = 0x0800;
  for (unsigned n = 0; n < kMaxEncapsulations; ++n) {
    inner = vlan(type, inner);
    type = 0x8100;
  }
  check_udp(parse(ethernet(type, inner)), false);
  CHECK(parse(ethernet(type, vlan(type, inner))).cause == Cause::TooDeep);
}

TEST_CASE("packet: PPPoE session data keep the way back, its control protocols are not IP") {
  check_udp(parse(ethernet(0x8864, pppoe(0x0021, ipv4(17, kUdp)))), false);
  check_udp(parse(ethernet(0x8100, vlan(0x8864, pppoe(0x0057, ipv6(17, kUdp))))), false);
  CHECK(parse(ethernet(0x8864, pppoe(0xc021, {1, 1, 0, 4}))).cause == Cause::NotIp);
  CHECK(parse(ethernet(0x8863, {0x11, 9, 0, 0, 0, 0})).cause == Cause::NotIp);
  CHECK(parse(ethernet(0x8864, {0x21, 0, 0, 7, 0, 2, 0, 0x21})).cause == Cause::EncapBad);
  CHECK(parse(ethernet(0x8864, {0x11, 0, 0, 7, 0, 1, 0, 0x21})).cause == Cause::EncapBad);
}

TEST_CASE("packet: PPPoE takes a compressed protocol field and cuts padding at its length") {
  const Octets ip = ipv4(17, kUdp);
  check_udp(parse(ethernet(0x8864, join({{0x11, 0, 0, 7}, be16(ip.size() + 1), u8(0x21), ip, Octets(9, 0xee)}))),
            false);
}

TEST_CASE("packet: 802.3 frames are not IP unless SNAP says so") {
  const Octets ip = ipv4(17, kUdp);
  check_udp(parse(ethernet(static_cast<unsigned>(ip.size() + 8), join({{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, ip}))), true);
  CHECK(parse(ethernet(38, {0x42, 0x42, 3, 0, 0, 0, 0, 0})).cause == Cause::NotIp);
  CHECK(parse(ethernet(46, {0xaa, 0xaa, 3, 0, 0, 0xc, 0x20, 0})).cause == Cause::NotIp);
  CHECK(parse(ethernet(0x0806, Octets(28, 0))).cause == Cause::NotIp);
}

TEST_CASE("packet: IP below an MPLS stack is read, one way") {
  check_udp(parse(ethernet(0x8847, mpls(16, false, mpls(17, true, ipv4(17, kUdp))))), true);
  check_udp(parse(ethernet(0x8848, mpls(2, true, ipv6(17, kUdp)))), true);
  CHECK(parse(ethernet(0x8847, mpls(16, false, {}))).cause == Cause::EncapBad);
}

TEST_CASE("packet: an Ethernet pseudowire is read with and without a control word") {
  Octets inner = ethernet(0x0800, ipv4(17, kUdp));
  check_udp(parse(ethernet(0x8847, mpls(16, true, join({be32(5), inner})))), true);
  check_udp(parse(ethernet(0x8847, mpls(16, true, inner))), true);
  inner[0] = 0x45;  // RFC 4928: an address that looks like IPv4
  check_udp(parse(ethernet(0x8847, mpls(16, true, inner))), true);
  inner[0] = 0x62;
  check_udp(parse(ethernet(0x8847, mpls(16, true, inner))), true);
}

TEST_CASE("packet: IP in IP in every combination, one way") {
  check_udp(parse(ethernet(0x0800, ipv4(4, ipv4(17, kUdp)))), true);
  check_udp(parse(ethernet(0x0800, ipv4(41, ipv6(17, kUdp)))), true);
  check_udp(parse(ethernet(0x86dd, ipv6(4, ipv4(17, kUdp)))), true);
  check_udp(parse(ethernet(0x86dd, ipv6(41, ipv6(17, kUdp)))), true);
}

TEST_CASE("packet: tunnels count against the same depth as tags") {
  Octets inner = ipv4(17, kUdp);
  for (unsigned n = 0; n < kMaxEncapsulations; ++n) inner = ipv4(4, inner);
  check_udp(parse(ethernet(0x0800, inner)), true);
  CHECK(parse(ethernet(0x8100, vlan(0x0800, inner))).cause == Cause::TooDeep);
}

TEST_CASE("packet: GRE with checksum, key and sequence number") {
  const Octets ip = ipv4(17, kUdp);
  check_udp(parse(ethernet(0x0800, ipv4(47, join({{0, 0, 8, 0}, ip})))), true);
  check_udp(parse(ethernet(0x0800, ipv4(47, join({{0xb0, 0, 8, 0}, Octets(12, 0), ip})))), true);
  check_udp(parse(ethernet(0x0800, ipv4(47, join({{0x20, 0, 0x65, 0x58}, be32(1), ethernet(0x0800, ip)})))), true);
  CHECK(parse(ethernet(0x0800, ipv4(47, join({{0x40, 0, 8, 0}, Octets(4, 0), ip})))).cause == Cause::EncapBad);
  CHECK(parse(ethernet(0x0800, ipv4(47, {0xb0, 0, 8, 0, 0}))).cause == Cause::EncapBad);
}

TEST_CASE("packet: PPTP's GRE with PPP, with and without address field and acknowledgement") {
  const Octets ip = ipv4(17, kUdp);
  const Octets plain = join({{0xff, 3, 0, 0x21}, ip});
  check_udp(
      parse(ethernet(0x0800, ipv4(47, join({{0x30, 1, 0x88, 0xb}, be16(plain.size()), be16(9), be32(1), plain})))),
      true);
  const Octets packed = join({u8(0x21), ip});
  check_udp(
      parse(ethernet(
          0x0800, ipv4(47, join({{0x30, 0x81, 0x88, 0xb}, be16(packed.size()), be16(9), be32(1), be32(2), packed})))),
      true);
  CHECK(parse(ethernet(0x0800, ipv4(47, join({{0x20, 0x81, 0x88, 0xb}, be32(9), be32(2)})))).cause == Cause::NotIp);
}

TEST_CASE("packet: ERSPAN of all three types") {
  const Octets mirrored = ethernet(0x0800, ipv4(17, kUdp));
  check_udp(parse(ethernet(0x0800, ipv4(47, join({{0, 0, 0x88, 0xbe}, mirrored})))), true);
  check_udp(parse(ethernet(0x0800, ipv4(47, join({{0x10, 0, 0x88, 0xbe}, be32(1), Octets(8, 0x10), mirrored})))), true);
  check_udp(parse(ethernet(0x0800, ipv4(47, join({{0x10, 0, 0x22, 0xeb}, be32(1), Octets(12, 0x20), mirrored})))),
            true);
  const Octets with_subheader = join({Octets(11, 0x20), u8(0x21), Octets(8, 0)});
  check_udp(parse(ethernet(0x0800, ipv4(47, join({{0x10, 0, 0x22, 0xeb}, be32(1), with_subheader, mirrored})))), true);
}

TEST_CASE("packet: UDP tunnels are entered on their own port") {
  const Octets ip = ipv4(17, kUdp);
  const Octets eth = ethernet(0x0800, ip);
  const auto outer = [](unsigned port, const Octets& payload) {
    return ethernet(0x0800, ipv4(17, udp(50000, port, payload)));
  };
  SECTION("VXLAN, whatever its reserved flags") {
    check_udp(parse(outer(4789, join({{8, 0, 0, 0, 0, 0, 1, 0}, eth}))), true);
    check_udp(parse(outer(4789, join({{0x8c, 0, 0, 3, 0, 0, 1, 0}, eth}))), true);
    CHECK(parse(outer(4789, join({Octets(8, 0), eth}))).dst_port == 4789);
  }
  SECTION("Geneve with Ethernet inside and options") {
    check_udp(parse(outer(6081, join({{2, 0, 0x65, 0x58, 0, 0, 1, 0}, Octets(8, 0), eth}))), true);
  }
  SECTION("Geneve with IP inside") {
    check_udp(parse(outer(6081, join({{0, 0, 8, 0, 0, 0, 1, 0}, ip}))), true);
  }
  SECTION("GTP-U") {
    check_udp(parse(outer(2152, join({{0x30, 0xff}, be16(ip.size()), be32(7), ip}))), true);
  }
  SECTION("GTP-U with sequence number and an extension header") {
    const Octets extended = join({{0, 1, 0, 0x85}, {1, 0, 0, 0}, ipv6(17, kUdp)});
    check_udp(parse(outer(2152, join({{0x36, 0xff}, be16(extended.size()), be32(7), extended}))), true);
  }
  SECTION("Teredo, with authentication and origin indication") {
    const Octets v6 = ipv6(17, kUdp);
    check_udp(parse(outer(3544, v6)), true);
    check_udp(parse(outer(3544, join({{0, 1, 0, 0}, Octets(9, 0), {0, 0}, Octets(6, 1), v6}))), true);
  }
}

TEST_CASE("packet: UDP on a tunnel's port that does not verify as a tunnel is plain UDP") {
  for (const unsigned port : {4789U, 6081U, 2152U, 3544U}) {
    CAPTURE(port);
    const Octets short_payload = ethernet(0x0800, ipv4(17, udp(4000, port, kHello)));
    CHECK(parse(short_payload).cause == Cause::None);
    CHECK(parse(short_payload).dst_port == port);
    CHECK(payload_of(parse(short_payload)) == kHello);
    const Octets long_payload = ethernet(0x0800, ipv4(17, udp(4000, port, Octets(100, 0x45))));
    CHECK(parse(long_payload).payload_len == 100);
    CHECK_FALSE(parse(long_payload).one_way);
  }
  // A GTP-U echo request, and a VXLAN packet on another port.
  CHECK(parse(ethernet(0x0800, ipv4(17, udp(1, 2152, {0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0})))).payload_len == 12);
  const Octets vxlan = join({{8, 0, 0, 0, 0, 0, 1, 0}, ethernet(0x0800, ipv4(17, kUdp))});
  CHECK(parse(ethernet(0x0800, ipv4(17, udp(1, 53, vxlan)))).dst_port == 53);
}

TEST_CASE("packet: passes every IPv6 extension header") {
  const Octets auth = join({u8(17), u8(4), Octets(22, 0), kUdp});  // RFC 4302: (4 + 2) * 4 bytes
  const Octets chain =
      extension(43, extension(60, extension(135, extension(139, extension(140, extension(51, auth)), 1), 2)));
  check_udp(parse(ethernet(0x86dd, ipv6(0, chain))), true);
  check_udp(parse(ethernet(0x86dd, ipv6(0, extension(60, extension(17, kUdp, 3))))), false);
}

TEST_CASE("packet: follows as many IPv6 extension headers as kMaxExtensionHeaders and no more") {
  Octets inner = kUdp;
  unsigned next = 17;
  for (unsigned n = 0; n < kMaxExtensionHeaders; ++n) {
    inner = extension(next, inner);
    next = 60;
  }
  check_udp(parse(ethernet(0x86dd, ipv6(next, inner))), false);
  CHECK(parse(ethernet(0x86dd, ipv6(60, extension(60, inner)))).cause == Cause::TooDeep);
}

TEST_CASE("packet: an authentication header is passed in IPv4 too") {
  check_udp(parse(ethernet(0x0800, ipv4(51, join({u8(17), u8(4), Octets(22, 0), kUdp})))), true);
}

TEST_CASE("packet: IPv4 fragments are reported with id, offset and data") {
  const Octets frame = ethernet(0x0800, ipv4(17, Octets(16, 7), {.id = 0xbeef, .flags_and_offset = 0x2003}));
  const PacketView view = parse(frame);
  CHECK(view.cause == Cause::Fragment);
  CHECK(view.fragment_id == 0xbeef);
  CHECK(view.fragment_offset == 24);
  CHECK(view.more_fragments);
  CHECK(view.proto == IpProto::Udp);
  CHECK(view.l4 == 34);
  CHECK(payload_of(view) == Octets(16, 7));
}

TEST_CASE("packet: IPv6 fragments are reported, an atomic one is a whole datagram") {
  const Octets frame = ethernet(0x86dd, ipv6(44, ipv6_fragment(17, 1448, false, 0xdeadbeef, Octets(5, 7))));
  const PacketView view = parse(frame);
  CHECK(view.cause == Cause::Fragment);
  CHECK(view.fragment_id == 0xdeadbeef);
  CHECK(view.fragment_offset == 1448);
  CHECK_FALSE(view.more_fragments);
  CHECK(payload_of(view) == Octets(5, 7));
  check_udp(parse(ethernet(0x86dd, ipv6(44, ipv6_fragment(17, 0, false, 1, kUdp)))), false);
}

TEST_CASE("packet: fragments that cannot be part of a datagram are refused") {
  CHECK(parse(ethernet(0x0800, ipv4(17, Octets(15, 7), {.flags_and_offset = 0x2000}))).cause == Cause::IpBadLength);
  CHECK(parse(ethernet(0x0800, ipv4(17, {}, {.flags_and_offset = 0x0001}))).cause == Cause::IpBadLength);
  CHECK(parse(ethernet(0x0800, ipv4(17, Octets(16, 7), {.flags_and_offset = 0x1fff}))).cause == Cause::IpBadLength);
  Octets cut = ethernet(0x0800, ipv4(17, Octets(16, 7), {.flags_and_offset = 0x2000}));
  cut.pop_back();
  CHECK(parse(cut).cause == Cause::IpTruncated);
}

TEST_CASE("packet: a capture cut behind the L4 header is read as far as it goes") {
  Octets frame = ethernet(0x0800, ipv4(6, kTcp));
  frame.resize(frame.size() - 3);
  CHECK(parse(frame).cause == Cause::None);
  CHECK(payload_of(parse(frame)) == text("he"));
  frame.resize(14 + 20 + 19);
  CHECK(parse(frame).cause == Cause::L4Truncated);
}

TEST_CASE("packet: impossible IP headers") {
  const auto changed = [](std::size_t at, std::uint8_t value) {
    Octets frame = ethernet(0x0800, ipv4(17, kUdp));
    frame[at] = value;
    return parse(frame).cause;
  };
  CHECK(changed(14, 0x65) == Cause::IpBadVersion);
  CHECK(changed(14, 0x44) == Cause::IpBadLength);
  CHECK(changed(17, 19) == Cause::IpBadLength);
  CHECK(parse(ethernet(0x86dd, ipv4(17, kUdp))).cause == Cause::IpBadVersion);
  CHECK(parse(ethernet(0x0800, Octets(19, 0x45))).cause == Cause::IpTruncated);
  Octets jumbogram = ethernet(0x86dd, ipv6(0, join({{17, 0, 0xc2, 4, 0, 1, 0, 0}, kUdp})));
  jumbogram[14 + 4] = jumbogram[14 + 5] = 0;
  CHECK(parse(jumbogram).cause == Cause::IpBadLength);
}

TEST_CASE("packet: impossible TCP and UDP headers") {
  Octets segment = ethernet(0x0800, ipv4(6, kTcp));
  segment[34 + 12] = 0x40;
  CHECK(parse(segment).cause == Cause::L4BadLength);
  segment[34 + 12] = 0xf0;
  CHECK(parse(segment).cause == Cause::L4Truncated);
  Octets datagram = ethernet(0x0800, ipv4(17, kUdp));
  datagram[34 + 5] = 7;
  CHECK(parse(datagram).cause == Cause::L4BadLength);
  datagram[34 + 5] = 0;
  CHECK(parse(datagram).cause == Cause::L4BadLength);
  CHECK(parse(ethernet(0x0800, ipv4(17, Octets(7, 0)))).cause == Cause::L4Truncated);
}

TEST_CASE("packet: a UDP length shorter than the datagram cuts it, a longer one does not, zero over IPv6 is the rest") {
  Octets frame = ethernet(0x86dd, ipv6(17, kUdp));
  frame[54 + 5] = 8 + 2;
  CHECK(payload_of(parse(frame)) == text("he"));
  frame[54 + 5] = 200;
  CHECK(payload_of(parse(frame)) == kHello);
  frame[54 + 5] = 0;
  CHECK(payload_of(parse(frame)) == kHello);
}

TEST_CASE("packet: IP without ports") {
  CHECK(parse(ethernet(0x0800, ipv4(1, Octets(8, 0)))).cause == Cause::NoPorts);
  CHECK(parse(ethernet(0x86dd, ipv6(58, Octets(8, 0)))).proto == IpProto::Icmpv6);
  CHECK(parse(ethernet(0x86dd, ipv6(59, {}))).cause == Cause::NoPorts);
}

TEST_CASE("packet: link types of captures, one way") {
  const Octets v4 = ipv4(17, kUdp);
  const Octets v6 = ipv6(17, kUdp);
  check_udp(parse(v4, LinkType::RawIp), true);
  check_udp(parse(v6, LinkType::RawIp), true);
  check_udp(parse(join({{2, 0, 0, 0}, v4}), LinkType::Null), true);
  check_udp(parse(join({{0, 0, 0, 2}, v4}), LinkType::Null), true);
  for (const unsigned family : {10U, 24U, 28U, 30U}) {
    check_udp(parse(join({u8(family), {0, 0, 0}, v6}), LinkType::Null), true);
    check_udp(parse(join({{0, 0, 0}, u8(family), v6}), LinkType::Null), true);
  }
  check_udp(parse(join({Octets(14, 0), be16(0x0800), v4}), LinkType::LinuxCooked), true);
  check_udp(parse(join({Octets(14, 0), be16(0x8100), vlan(0x86dd, v6)}), LinkType::LinuxCooked), true);
  check_udp(parse(join({be16(0x86dd), Octets(18, 0), v6}), LinkType::LinuxCooked2), true);
  CHECK(parse({0, 0, 0, 99, 0x45}, LinkType::Null).cause == Cause::NotIp);
}

TEST_CASE("packet: no truncation and no flipped byte leads outside the frame") {
  const Octets vxlan = join({{8, 0, 0, 0, 0, 0, 1, 0}, ethernet(0x8100, vlan(0x0800, ipv4(6, kTcp)))});
  const Octets chain = extension(43, extension(44, ipv6_fragment(17, 0, false, 1, kUdp)));
  const Octets frames[] = {
      ethernet(0x88a8, vlan(0x8100, vlan(0x0800, ipv4(6, kTcp)))),
      ethernet(0x8864, pppoe(0x0057, ipv6(0, chain))),
      ethernet(0x8847, mpls(16, true, join({be32(0), ethernet(0x0800, ipv4(17, kUdp))}))),
      ethernet(0x0800, ipv4(47, join({{0x30, 0, 0x22, 0xeb}, Octets(20, 0), ethernet(0x0800, ipv4(17, kUdp))}))),
      ethernet(0x0800, ipv4(17, udp(5, 4789, vxlan))),
      ethernet(0x86dd, ipv6(17, udp(5, 3544, join({{0, 1, 2, 2}, Octets(13, 0), ipv6(17, kUdp)})))),
      ethernet(0x0800,
               ipv4(17, udp(5, 2152, join({{0x36, 0xff, 0, 57}, Octets(7, 0), {0x85, 1, 0, 0, 0}, ipv6(17, kUdp)})))),
  };
  for (const Octets& frame : frames) {
    for_each_mutation(frame, [](Bytes bytes) {
      PacketView view;
      parse_packet(bytes, LinkType::Ethernet, view);
      if (view.cause != Cause::None && view.cause != Cause::Fragment) return;
      const bool inside =
          view.l3 < view.l4 && view.l4 <= view.payload && view.payload + view.payload_len <= bytes.size();
      if (!inside) FAIL("view leads outside the frame");
    });
  }
}
