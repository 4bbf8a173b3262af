#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/base/bytes.h"
#include "dataplane/packet/packet_view.h"
#include "dataplane/reply/encapsulation.h"

namespace sluice {

/// Everything around a TCP or UDP header: the trigger's encapsulation (encapsulation.h) or, with Paths::injection, the
/// next hop's Ethernet header; then an IPv4 header without options (RFC 6864: DF, identification 0) or an IPv6 header
/// without extensions. `trigger` is an Ethernet frame that was read up to its payload.
class Envelope {
 public:
  /// Not ok() where no packet can be made: no way, or a group address as source.
  Envelope(const PacketView& trigger, Way way, const Paths& paths, MutableBytes out) noexcept;

  [[nodiscard]] bool ok() const noexcept { return l4_ != 0; }
  /// Bytes in front of the IP header.
  [[nodiscard]] std::size_t link_bytes() const noexcept { return l3_; }
  /// Room for the TCP or UDP header and what follows.
  [[nodiscard]] std::size_t room() const noexcept;
  [[nodiscard]] std::uint8_t* l4() const noexcept { return out_.data() + l4_; }

  /// Both write the IP header and the checksums. l4_len: bytes at l4(), at most room(). Give the frame's length.
  [[nodiscard]] std::size_t finish_udp(std::size_t l4_len) noexcept;
  /// The caller has written all of the TCP header but ports and checksum.
  [[nodiscard]] std::size_t finish_tcp(std::size_t l4_len) noexcept;

 private:
  bool write_link(const Injection& injection) noexcept;
  void write_ip(IpProto proto, std::size_t l4_len) noexcept;
  [[nodiscard]] std::uint16_t l4_checksum(IpProto proto, std::size_t l4_len) const noexcept;
  void write_ports() noexcept;

  const PacketView& trigger_;
  MutableBytes out_;
  Way way_;
  std::size_t l3_ = 0;
  std::size_t l4_ = 0;
  Encapsulation encapsulation_;
};

/// Bytes in front of the IP header of a packet made so; 0 where none can be made.
[[nodiscard]] std::size_t link_bytes(const PacketView& trigger, Way way, const Paths& paths) noexcept;

/// Length of the IP packet that a view shows, link header and padding not counted.
[[nodiscard]] inline std::size_t ip_packet_bytes(const PacketView& view) noexcept {
  return std::size_t{view.payload} + view.payload_len - view.l3;
}

}  // namespace sluice
