#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace sluice {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

/// Unaligned big-endian loads and stores; the caller has checked the bounds (parsers use Cursor instead).
[[nodiscard]] inline std::uint16_t load_be16(const std::uint8_t* p) noexcept {
  std::uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap16(v);
}
[[nodiscard]] inline std::uint32_t load_be32(const std::uint8_t* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}
[[nodiscard]] inline std::uint64_t load_be64(const std::uint8_t* p) noexcept {
  std::uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap64(v);
}
inline void store_be16(std::uint8_t* p, std::uint16_t v) noexcept {
  v = __builtin_bswap16(v);
  std::memcpy(p, &v, sizeof v);
}
inline void store_be32(std::uint8_t* p, std::uint32_t v) noexcept {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, sizeof v);
}
inline void store_be64(std::uint8_t* p, std::uint64_t v) noexcept {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, sizeof v);
}

/// Distinct types, so that an IP protocol is never compared with an ethertype.
enum class EtherType : std::uint16_t {
  Ipv4 = 0x0800,
  Arp = 0x0806,
  Vlan = 0x8100,  ///< IEEE 802.1Q
  Ipv6 = 0x86dd,
  Mpls = 0x8847,       ///< RFC 5332
  MplsMulti = 0x8848,  ///< RFC 5332
  PppoeDiscovery = 0x8863,
  PppoeSession = 0x8864,  ///< RFC 2516
  QinQ = 0x88a8,          ///< IEEE 802.1ad
  QinQOld = 0x9100,
};

enum class IpProto : std::uint8_t {
  HopByHop = 0,
  Icmp = 1,
  Ipip = 4,
  Tcp = 6,
  Udp = 17,
  Ipv6 = 41,
  Routing = 43,
  Fragment = 44,
  Gre = 47,
  Esp = 50,
  Auth = 51,
  Icmpv6 = 58,
  NoNext = 59,
  DestOptions = 60,
  Mobility = 135,
  Hip = 139,
  Shim6 = 140,
};

}  // namespace sluice
