#pragma once

#include <cstdint>

#include "dataplane/base/bytes.h"
#include "dataplane/base/cause.h"

namespace sluice {

/// First header of a captured frame. The wire has Ethernet only; the others are for captures (libpcap link types).
enum class LinkType : std::uint8_t { Ethernet, RawIp, Null, LinuxCooked, LinuxCooked2 };

enum TcpFlag : std::uint8_t { kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10 };

/// Where things are in one frame. Offsets count bytes from the first byte of the frame; `data` is borrowed from the
/// caller and never written. Valid headers only up to the point that `cause` names; Cause::None = read to the payload.
/// The addresses and ports are those of the innermost IP header that was reached.
struct PacketView {
  const std::uint8_t* data = nullptr;
  std::uint32_t len = 0;

  Cause cause = Cause::None;
  bool ipv6 = false;
  bool one_way = false;  ///< inside MPLS, GTP or another tunnel whose way back is not in the packet: never answered
  bool unanswerable = false;  ///< authenticated or source-routed: not even a known way back leads to an answer
  IpProto proto = IpProto::NoNext;
  std::uint8_t tag_count = 0;  ///< VLAN tags passed on the way

  std::uint16_t l3 = 0;           ///< IP header
  std::uint16_t l4 = 0;           ///< TCP or UDP header, or the fragment's payload
  std::uint16_t payload = 0;      ///< first byte after the TCP or UDP header
  std::uint32_t payload_len = 0;  ///< by the IP length: Ethernet padding is not payload

  std::uint16_t src_port = 0, dst_port = 0;

  // TCP only
  std::uint32_t seq = 0, ack = 0;
  std::uint16_t window = 0;
  std::uint8_t tcp_flags = 0;

  // fragments only (cause == Cause::Fragment)
  std::uint32_t fragment_id = 0;
  std::uint32_t fragment_offset = 0;  ///< bytes
  bool more_fragments = false;

  [[nodiscard]] Bytes frame() const noexcept { return {data, len}; }
  [[nodiscard]] Bytes payload_bytes() const noexcept { return {data + payload, payload_len}; }
  [[nodiscard]] std::size_t address_bytes() const noexcept { return ipv6 ? 16 : 4; }
  /// Source and destination address of the innermost IP header: 4 or 16 bytes, network order.
  [[nodiscard]] Bytes src() const noexcept { return {data + l3 + (ipv6 ? 8 : 12), address_bytes()}; }
  [[nodiscard]] Bytes dst() const noexcept { return {data + l3 + (ipv6 ? 24 : 16), address_bytes()}; }
};

}  // namespace sluice
