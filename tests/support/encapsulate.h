#pragma once

#include <array>
#include <functional>

#include "tests/support/frames.h"

namespace sluice::test {

/// A number below n, from whatever drives the choices: a random generator or a fuzzer's bytes.
using Choose = std::function<std::size_t(std::size_t n)>;

/// A packet that begins with its IP header.
struct IpPacket {
  bool v6 = false;
  Octets bytes;

  [[nodiscard]] unsigned ether_type() const { return v6 ? 0x86dd : 0x0800; }
  [[nodiscard]] unsigned ppp_protocol() const { return v6 ? 0x0057 : 0x0021; }
};

inline constexpr std::size_t kTunnelKinds = 11;

/// An IP packet inside one tunnel of the given kind, below kTunnelKinds; Teredo carries IPv6 alone: IPv4 goes in GRE.
inline IpPacket tunnelled(std::size_t kind, const IpPacket& in) {
  const auto gre = [](unsigned flags, unsigned type, const Octets& payload) {
    return IpPacket{false, ipv4(47, join({be16(flags), be16(type), payload}))};
  };
  const auto over_udp = [](unsigned port, const Octets& payload) {
    return IpPacket{false, ipv4(17, udp(50000, port, payload))};
  };
  const Octets bridged = ethernet(in.ether_type(), in.bytes);
  switch (kind) {
    case 0: return {false, ipv4(in.v6 ? 41 : 4, in.bytes)};
    case 1: return {true, ipv6(in.v6 ? 41 : 4, in.bytes)};
    case 2: return gre(0x2000, 0x6558, join({be32(7), bridged}));
    case 3: return gre(0x1000, 0x88be, join({be32(1), {0x10, 1, 0, 0, 0, 0, 0, 1}, bridged}));
    case 4: return gre(0x1000, 0x22eb, join({be32(1), {0x20, 1}, Octets(10, 0), bridged}));
    case 5:
      return gre(0x3001, 0x880b,
                 join({be16(in.bytes.size() + 4), be16(1), be32(1), {0xff, 3}, be16(in.ppp_protocol()), in.bytes}));
    case 6: return over_udp(4789, join({be32(0x08000000), be32(0x100), bridged}));
    case 7: return over_udp(6081, join({be32(0x00006558), be32(0x100), bridged}));
    case 8: return over_udp(2152, join({{0x30, 0xff}, be16(in.bytes.size()), be32(1), in.bytes}));
    case 9:
      if (in.v6) return over_udp(3544, in.bytes);
      [[fallthrough]];
    default: return gre(0, in.ether_type(), in.bytes);
  }
}

/// A frame around an IP packet: up to three VLAN tags; below them nothing, PPPoE, up to three MPLS labels or an
/// Ethernet pseudowire; and padding at its end.
inline Octets framed(const Choose& choose, const IpPacket& in) {
  unsigned type = in.ether_type();
  Octets payload = in.bytes;
  switch (choose(6)) {
    case 0:
      payload = pppoe(in.ppp_protocol(), payload);
      type = 0x8864;
      break;
    case 1:
      payload = mpls(17, true, payload);
      for (std::size_t labels = choose(3); labels > 0; --labels) payload = mpls(16, false, payload);
      type = 0x8847;
      break;
    case 2:
      payload = mpls(17, true, join({be32(0), ethernet(type, payload)}));
      type = 0x8847;
      break;
    default: break;
  }
  constexpr std::array<unsigned, 3> kTpids{0x8100, 0x88a8, 0x9100};
  for (std::size_t tags = choose(2) == 0 ? 0 : choose(4); tags > 0; --tags) {
    payload = vlan(type, payload, static_cast<unsigned>(100 + tags));
    type = kTpids[choose(kTpids.size())];
  }
  Octets frame = ethernet(type, payload);
  constexpr std::size_t kShortest = 60;
  if (frame.size() < kShortest) frame.resize(kShortest);
  if (choose(4) == 0) frame.resize(frame.size() + choose(8), 0x55);
  return frame;
}

/// `in` inside up to two tunnels.
inline IpPacket in_tunnels(const Choose& choose, IpPacket in) {
  for (std::size_t depth = choose(2) == 0 ? 0 : choose(3); depth > 0; --depth) {
    in = tunnelled(choose(kTunnelKinds), in);
  }
  return in;
}

}  // namespace sluice::test
