#include "dataplane/packet/parse.h"

#include <algorithm>

#include "dataplane/packet/walk.h"

namespace sluice {
namespace {

constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::size_t kTcpBytes = 20;
constexpr std::size_t kUdpBytes = 8;
constexpr std::uint16_t kFirstEtherType = 0x0600;  // below: an 802.3 length

constexpr bool is_extension(IpProto proto) noexcept {
  switch (proto) {
    case IpProto::HopByHop:
    case IpProto::Routing:
    case IpProto::Fragment:
    case IpProto::Auth:
    case IpProto::DestOptions:
    case IpProto::Mobility:
    case IpProto::Hip:
    case IpProto::Shim6: return true;
    default: return false;
  }
}

Walk start(Bytes frame, PacketView& out) noexcept {
  out = PacketView{};
  out.data = frame.data();
  out.len = static_cast<std::uint32_t>(frame.size());
  // Offsets in a view are 16 bits wide.
  return {frame.first(std::min<std::size_t>(frame.size(), 0xffff)), out};
}

}  // namespace

void parse_packet(Bytes frame, LinkType link, PacketView& out) noexcept {
  Walk walk = start(frame, out);
  out.cause = walk.link(link);
}

void parse_datagram(Bytes frame, const PacketView& like, PacketView& out) noexcept {
  Walk walk = start(frame, out);
  out.one_way = like.one_way;
  out.unanswerable = like.unanswerable;
  out.tag_count = like.tag_count;
  walk.at.skip(like.l3);
  out.cause = like.ipv6 ? walk.ipv6() : walk.ipv4();
}

bool trace_packet(const PacketView& view, Trail& out) noexcept {
  PacketView again;
  Walk walk = start(view.frame(), again);
  walk.trail = &out;
  (void)walk.link(LinkType::Ethernet);
  return out.whole() && !out.layers().empty() && again.l3 == view.l3 && out.layers().back().at == view.l3;
}

Cause Walk::link(LinkType type) noexcept {
  if (type == LinkType::Ethernet) return ethernet();
  view.one_way = true;
  switch (type) {
    case LinkType::RawIp: return raw_ip();
    case LinkType::Null: return null_link();
    case LinkType::LinuxCooked: return cooked();
    default: return cooked2();
  }
}

Cause Walk::ethernet() noexcept {
  note(LayerKind::Ethernet, offset());
  const Bytes header = at.bytes(kEthernetBytes);
  if (header.empty()) return Cause::EtherTruncated;
  return ether_type(EtherType{load_be16(header.data() + 12)});
}

Cause Walk::ether_type(EtherType type) noexcept {
  switch (type) {
    case EtherType::Ipv4: return ipv4();
    case EtherType::Ipv6: return ipv6();
    case EtherType::Vlan:
    case EtherType::QinQ:
    case EtherType::QinQOld: return vlan();
    case EtherType::PppoeSession: return pppoe();
    case EtherType::Mpls:
    case EtherType::MplsMulti: return mpls();
    default: return static_cast<std::uint16_t>(type) < kFirstEtherType ? length_field() : Cause::NotIp;
  }
}

Cause Walk::vlan() noexcept {
  if (!descend()) return Cause::TooDeep;
  note(LayerKind::Vlan, offset());
  const Bytes tag = at.bytes(4);
  if (tag.empty()) return Cause::EtherTruncated;
  ++view.tag_count;
  return ether_type(EtherType{load_be16(tag.data() + 2)});
}

Cause Walk::raw_ip() noexcept {
  if (at.empty()) return Cause::IpTruncated;
  switch (at.rest()[0] >> 4) {
    case 4: return ipv4();
    case 6: return ipv6();
    default: return Cause::NotIp;
  }
}

// BSD loopback: an address family in the byte order of the capturing host, which the capture does not tell.
// Small numbers only, so the order is recognised by where the zeros are.
Cause Walk::null_link() noexcept {
  const Bytes header = at.bytes(4);
  if (header.empty()) return Cause::EtherTruncated;
  const std::uint32_t big = load_be32(header.data());
  switch (big < 0x10000 ? big : __builtin_bswap32(big)) {
    case 2:  // AF_INET everywhere
      return ipv4();
    case 10:  // AF_INET6: Linux, NetBSD and OpenBSD, FreeBSD, Darwin
    case 24:
    case 28:
    case 30: return ipv6();
    default: return Cause::NotIp;
  }
}

Cause Walk::cooked() noexcept {
  const Bytes header = at.bytes(16);
  if (header.empty()) return Cause::EtherTruncated;
  return ether_type(EtherType{load_be16(header.data() + 14)});
}

Cause Walk::cooked2() noexcept {
  const Bytes header = at.bytes(20);
  if (header.empty()) return Cause::EtherTruncated;
  return ether_type(EtherType{load_be16(header.data())});
}

Cause Walk::ipv4() noexcept {
  const Bytes rest = at.rest();
  if (rest.empty()) return Cause::IpTruncated;
  const std::uint8_t* ip = rest.data();
  if (ip[0] >> 4 != 4) return Cause::IpBadVersion;
  if (rest.size() < kIpv4Bytes) return Cause::IpTruncated;
  const std::size_t header = (ip[0] & 0x0fU) * 4U;
  const std::size_t total = load_be16(ip + 2);
  if (header < kIpv4Bytes || total < header) return Cause::IpBadLength;
  if (rest.size() < header) return Cause::IpTruncated;

  view.ipv6 = false;
  view.l3 = offset();
  note(LayerKind::Ipv4, view.l3);
  view.proto = IpProto{ip[9]};
  at = at.sub(std::min(total, rest.size()));
  at.skip(header);

  const std::uint16_t fragment = load_be16(ip + 6);
  constexpr std::uint16_t kMoreFragments = 0x2000;
  if ((fragment & 0x3fff) != 0) {
    view.fragment_id = load_be16(ip + 4);
    return fragment_data((fragment & 0x1fffU) * 8U, (fragment & kMoreFragments) != 0, total > rest.size());
  }
  auto next = IpProto{ip[9]};
  for (unsigned n = 0; next == IpProto::Auth; ++n) {
    if (n == kMaxExtensionHeaders) return Cause::TooDeep;
    if (!extension_header(next)) return Cause::IpTruncated;
  }
  return transport(next);
}

Cause Walk::ipv6() noexcept {
  const Bytes rest = at.rest();
  if (rest.empty()) return Cause::IpTruncated;
  const std::uint8_t* ip = rest.data();
  if (ip[0] >> 4 != 6) return Cause::IpBadVersion;
  if (rest.size() < kIpv6Bytes) return Cause::IpTruncated;
  const std::size_t total = kIpv6Bytes + load_be16(ip + 4);
  auto next = IpProto{ip[6]};
  if (total == kIpv6Bytes && next == IpProto::HopByHop) return Cause::IpBadLength;  // jumbogram, RFC 2675

  view.ipv6 = true;
  view.l3 = offset();
  note(LayerKind::Ipv6, view.l3);
  const bool cut = total > rest.size();
  at = at.sub(std::min(total, rest.size()));
  at.skip(kIpv6Bytes);
  for (unsigned n = 0; is_extension(next); ++n) {
    view.proto = next;
    if (n == kMaxExtensionHeaders) return Cause::TooDeep;
    if (next == IpProto::Fragment) {
      if (const Cause cause = ipv6_fragment(next, cut); cause != Cause::None) return cause;
    } else if (!extension_header(next)) {
      return Cause::IpTruncated;
    }
  }
  return transport(next);
}

/// Passes one extension header that has a length; false where it ends behind the datagram.
bool Walk::extension_header(IpProto& next) noexcept {
  const Bytes fixed = at.bytes(2);
  if (fixed.empty()) return false;
  const std::size_t units = fixed[1];
  // RFC 4302 2.2: AH counts 4-byte words less two; RFC 8200 4: the others 8-byte words less one.
  const std::size_t length = next == IpProto::Auth ? (units + 2) * 4 : (units + 1) * 8;
  // An answer would need to be authenticated, or to be routed back by the same route.
  if (next != IpProto::HopByHop && next != IpProto::DestOptions) view.one_way = view.unanswerable = true;
  next = IpProto{fixed[0]};
  at.skip(length - 2);
  return at.ok();
}

/// Cause::None: an atomic fragment (RFC 6946), which is a whole datagram.
Cause Walk::ipv6_fragment(IpProto& next, bool cut) noexcept {
  const Bytes header = at.bytes(8);
  if (header.empty()) return Cause::IpTruncated;
  next = IpProto{header[0]};
  const std::uint16_t field = load_be16(header.data() + 2);
  if ((field & 0xfff9) == 0) return Cause::None;
  view.proto = next;
  view.fragment_id = load_be32(header.data() + 4);
  return fragment_data(field & 0xfff8U, (field & 1U) != 0, cut);
}

Cause Walk::fragment_data(std::uint32_t offset_bytes, bool more, bool cut) noexcept {
  const std::size_t length = at.remaining();
  view.l4 = view.payload = offset();
  view.payload_len = static_cast<std::uint32_t>(length);
  view.fragment_offset = offset_bytes;
  view.more_fragments = more;
  if (cut) return Cause::IpTruncated;
  // RFC 791 3.2, RFC 8200 4.5: all but the last carry whole 8-byte units, and none ends past 65535.
  if (length == 0 || (more && length % 8 != 0) || offset_bytes + length > 0xffff) return Cause::IpBadLength;
  return Cause::Fragment;
}

Cause Walk::transport(IpProto proto) noexcept {
  view.proto = proto;
  view.l4 = offset();
  switch (proto) {
    case IpProto::Tcp: return tcp();
    case IpProto::Udp: return udp();
    case IpProto::Ipip:
    case IpProto::Ipv6:
    case IpProto::Gre:
      if (!descend()) return Cause::TooDeep;
      view.one_way = true;
      if (proto == IpProto::Gre) return gre();
      return proto == IpProto::Ipip ? ipv4() : ipv6();
    default: return Cause::NoPorts;
  }
}

Cause Walk::tcp() noexcept {
  const Bytes rest = at.rest();
  if (rest.size() < kTcpBytes) return Cause::L4Truncated;
  const std::uint8_t* tcp = rest.data();
  view.src_port = load_be16(tcp);
  view.dst_port = load_be16(tcp + 2);
  view.seq = load_be32(tcp + 4);
  view.ack = load_be32(tcp + 8);
  view.tcp_flags = tcp[13];
  view.window = load_be16(tcp + 14);
  const std::size_t header = (tcp[12] >> 4) * 4U;
  if (header < kTcpBytes) return Cause::L4BadLength;
  if (header > rest.size()) return Cause::L4Truncated;
  view.payload = static_cast<std::uint16_t>(view.l4 + header);
  view.payload_len = static_cast<std::uint32_t>(rest.size() - header);
  return Cause::None;
}

Cause Walk::udp() noexcept {
  const Bytes rest = at.rest();
  if (rest.size() < kUdpBytes) return Cause::L4Truncated;
  const std::uint8_t* udp = rest.data();
  view.src_port = load_be16(udp);
  view.dst_port = load_be16(udp + 2);
  std::size_t length = load_be16(udp + 4);
  if (length == 0 && view.ipv6) length = rest.size();
  if (length < kUdpBytes) return Cause::L4BadLength;
  length = std::min(length, rest.size());
  view.payload = static_cast<std::uint16_t>(view.l4 + kUdpBytes);
  view.payload_len = static_cast<std::uint32_t>(length - kUdpBytes);

  Cause inner = Cause::None;
  return udp_tunnel(rest.subspan(kUdpBytes, length - kUdpBytes), inner) ? inner : Cause::None;
}

}  // namespace sluice
