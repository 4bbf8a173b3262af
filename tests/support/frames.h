#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"

// Builds frames from the inside out: ethernet(0x0800, ipv4(17, udp(1000, 53, query))). Lengths and IPv4 header
// checksums are right; L4 checksums are zero.
namespace sluice::test {

using Octets = std::vector<std::uint8_t>;

inline Octets join(std::initializer_list<Octets> parts) {
  Octets all;
  for (const Octets& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
inline Octets text(std::string_view s) {
  return {s.begin(), s.end()};
}
inline Octets u8(unsigned v) {
  return {static_cast<std::uint8_t>(v)};
}
inline Octets be16(std::size_t v) {
  return {static_cast<std::uint8_t>(v >> 8), static_cast<std::uint8_t>(v)};
}
inline Octets be32(std::size_t v) {
  return join({be16(v >> 16 & 0xffff), be16(v & 0xffff)});
}
/// A length prefix of one, two or three bytes and what it counts.
inline Octets with_len8(const Octets& body) {
  return join({u8(static_cast<unsigned>(body.size())), body});
}
inline Octets with_len16(const Octets& body) {
  return join({be16(body.size()), body});
}
inline Octets with_len24(const Octets& body) {
  return join({u8(static_cast<unsigned>(body.size() >> 16)), be16(body.size() & 0xffff), body});
}

inline Octets ethernet(unsigned type, const Octets& payload) {
  return join({{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, be16(type), payload});
}
/// What follows the EtherType of a VLAN tag.
inline Octets vlan(unsigned next_type, const Octets& payload, unsigned id = 100) {
  return join({be16(id), be16(next_type), payload});
}
inline Octets mpls(unsigned label, bool bottom, const Octets& payload) {
  return join({be32(std::size_t{label} << 12 | (bottom ? 0x100U : 0U) | 64U), payload});
}
inline Octets pppoe(unsigned ppp_protocol, const Octets& payload) {
  return join({{0x11, 0, 0, 7}, be16(payload.size() + 2), be16(ppp_protocol), payload});
}

struct Ipv4Fields {
  std::size_t id = 1;
  unsigned flags_and_offset = 0x4000;  ///< don't fragment
  Octets options{};                    ///< whole 4-byte words
  Octets src{10, 0, 0, 1}, dst{192, 0, 2, 53};
};
inline Octets ipv4(unsigned proto, const Octets& payload, const Ipv4Fields& f = {}) {
  const std::size_t header = 20 + f.options.size();
  Octets ip = join({u8(static_cast<unsigned>(0x40 | header / 4)), u8(0), be16(header + payload.size()), be16(f.id),
                    be16(f.flags_and_offset), u8(64), u8(proto), be16(0), f.src, f.dst, f.options});
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < header; i += 2) sum += load_be16(&ip[i]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  store_be16(&ip[10], static_cast<std::uint16_t>(~sum));
  return join({ip, payload});
}

struct Ipv6Fields {
  Octets src{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  Octets dst{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53};
};
inline Octets ipv6(unsigned next, const Octets& payload, const Ipv6Fields& f = {}) {
  return join({be32(0x60000000), be16(payload.size()), u8(next), u8(64), f.src, f.dst, payload});
}
/// IPv6 extension header of `words8` + 1 eight-byte words: hop-by-hop, routing, destination options and the like.
inline Octets extension(unsigned next, const Octets& payload, unsigned words8 = 0) {
  return join({u8(next), u8(words8), Octets(6 + std::size_t{words8} * 8, 0), payload});
}
inline Octets ipv6_fragment(unsigned next, unsigned offset_bytes, bool more, std::size_t id, const Octets& payload) {
  return join({u8(next), u8(0), be16(offset_bytes | (more ? 1U : 0U)), be32(id), payload});
}

inline Octets udp(unsigned src, unsigned dst, const Octets& payload) {
  return join({be16(src), be16(dst), be16(8 + payload.size()), be16(0), payload});
}

struct TcpFields {
  std::size_t seq = 1000, ack = 2000;
  unsigned flags = 0x18;  ///< PSH, ACK
  Octets options{};       ///< whole 4-byte words
};
inline Octets tcp(unsigned src, unsigned dst, const Octets& payload, const TcpFields& f = {}) {
  return join({be16(src), be16(dst), be32(f.seq), be32(f.ack),
               u8(static_cast<unsigned>((5 + f.options.size() / 4) << 4)), u8(f.flags), be16(64240), be16(0), be16(0),
               f.options, payload});
}

}  // namespace sluice::test
