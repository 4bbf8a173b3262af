#include <algorithm>
#include <optional>

#include "dataplane/packet/walk.h"

namespace sluice {
namespace {

constexpr auto kBridgedEthernet = EtherType{0x6558};
constexpr auto kErspan2 = EtherType{0x88be};  // type I and II
constexpr auto kErspan3 = EtherType{0x22eb};
constexpr auto kGrePpp = EtherType{0x880b};

constexpr std::uint16_t kVxlanPort = 4789;
constexpr std::uint16_t kGenevePort = 6081;
constexpr std::uint16_t kGtpUserPort = 2152;
constexpr std::uint16_t kTeredoPort = 3544;

/// Is this an IPv4 or IPv6 header whose lengths fit in what follows it?
bool looks_like_ip(Bytes bytes) noexcept {
  if (bytes.size() < 20) return false;
  const std::uint8_t* ip = bytes.data();
  if (ip[0] >> 4 == 4) {
    const std::size_t header = (ip[0] & 0x0fU) * 4U;
    const std::size_t total = load_be16(ip + 2);
    return header >= 20 && total >= header && total <= bytes.size();
  }
  return ip[0] >> 4 == 6 && bytes.size() >= 40 && std::size_t{40} + load_be16(ip + 4) <= bytes.size();
}

/// EtherType behind the VLAN tags of an Ethernet header; `bytes` moves behind it.
EtherType inner_type(Bytes& bytes) noexcept {
  Cursor at(bytes);
  at.skip(12);
  auto type = EtherType{at.be16()};
  while (type == EtherType::Vlan || type == EtherType::QinQ || type == EtherType::QinQOld) {
    at.skip(2);
    type = EtherType{at.be16()};
  }
  bytes = at.rest();
  return type;
}

/// Is this an Ethernet header, tagged or not, with an IP header behind it?
bool carries_ip(Bytes bytes) noexcept {
  const EtherType type = inner_type(bytes);
  return (type == EtherType::Ipv4 || type == EtherType::Ipv6) && looks_like_ip(bytes);
}

/// Is this an Ethernet header of a payload that is worth following?
bool looks_like_ethernet(Bytes bytes) noexcept {
  if (carries_ip(bytes)) return true;
  switch (inner_type(bytes)) {
    case EtherType::Arp:
    case EtherType::Mpls:
    case EtherType::MplsMulti:
    case EtherType::PppoeDiscovery:
    case EtherType::PppoeSession: return true;
    default: return false;
  }
}

/// GTP-U G-PDU (3GPP TS 29.281 5.1): leaves `at` at the user's IP header.
bool pass_gtp_user(Cursor& at) noexcept {
  const std::uint8_t flags = at.u8();
  const std::uint8_t message = at.u8();
  const std::size_t length = at.be16();
  at.skip(4);  // TEID
  constexpr std::uint8_t kVersionAndProtocol = 0xf0, kOptional = 0x07, kExtension = 0x04, kGpdu = 0xff;
  if ((flags & kVersionAndProtocol) != 0x30 || message != kGpdu || length != at.remaining()) return false;
  if ((flags & kOptional) == 0) return at.ok();
  at.skip(3);  // sequence number, N-PDU number
  std::uint8_t next = at.u8();
  if ((flags & kExtension) == 0) next = 0;
  for (unsigned n = 0; next != 0 && at.ok(); ++n) {
    const std::size_t bytes = at.u8() * std::size_t{4};
    if (n == kMaxExtensionHeaders || bytes == 0) return false;
    at.skip(bytes - 2);
    next = at.u8();
  }
  return at.ok();
}

/// Teredo (RFC 4380 5.1.1): leaves `at` at the IPv6 header.
bool pass_teredo(Cursor& at) noexcept {
  if (at.remaining() >= 2 && load_be16(at.rest().data()) == 0x0001) {  // authentication
    at.skip(2);
    const std::size_t id = at.u8();
    const std::size_t value = at.u8();
    at.skip(id + value + 8 + 1);  // nonce, confirmation
  }
  if (at.remaining() >= 2 && load_be16(at.rest().data()) == 0x0000) at.skip(8);  // origin indication
  return at.ok() && !at.empty() && at.rest()[0] >> 4 == 6;
}

}  // namespace

/// 802.3: the field was a length. Only SNAP with an EtherType (RFC 1042) can be IP.
Cause Walk::length_field() noexcept {
  const Bytes header = at.bytes(8);
  if (header.empty() || load_be32(header.data()) != 0xaaaa0300 || load_be16(header.data() + 4) != 0)
    return Cause::NotIp;
  const auto type = EtherType{load_be16(header.data() + 6)};
  if (static_cast<std::uint16_t>(type) < 0x0600) return Cause::NotIp;
  if (!descend()) return Cause::TooDeep;
  view.one_way = true;
  return ether_type(type);
}

/// RFC 3032 label stack. What is below it, the stack does not tell: IP, or an Ethernet pseudowire with or
/// without a control word (RFC 4448 4.6). An Ethernet address may begin with 4 or 6 too (RFC 4928), so the
/// lengths decide.
Cause Walk::mpls() noexcept {
  view.one_way = true;
  for (bool bottom = false; !bottom;) {
    if (!descend()) return Cause::TooDeep;
    note(LayerKind::Mpls, offset());
    const Bytes label = at.bytes(4);
    if (label.empty()) return Cause::EncapBad;
    bottom = (label[2] & 1U) != 0;
  }
  const Bytes rest = at.rest();
  if (rest.empty()) return Cause::EncapBad;
  if (carries_ip(rest)) return ethernet();
  if (looks_like_ip(rest)) return rest[0] >> 4 == 4 ? ipv4() : ipv6();
  if (rest[0] >> 4 == 0 && rest.size() > 4 && looks_like_ethernet(rest.subspan(4))) {
    note(LayerKind::ControlWord, offset());
    at.skip(4);
    return ethernet();
  }
  if (looks_like_ethernet(rest)) return ethernet();
  if (rest[0] >> 4 == 4) return ipv4();
  return rest[0] >> 4 == 6 ? ipv6() : Cause::NotIp;
}

/// RFC 2516 4 and 6.
Cause Walk::pppoe() noexcept {
  if (!descend()) return Cause::TooDeep;
  note(LayerKind::Pppoe, offset());
  const Bytes header = at.bytes(6);
  if (header.empty() || header[0] != 0x11) return Cause::EncapBad;
  if (header[1] != 0) return Cause::NotIp;  // no session data
  const std::size_t length = load_be16(header.data() + 4);
  at = at.sub(std::min(length, at.remaining()));
  return ppp();
}

/// PPP protocol field, one byte if compressed (RFC 1661 6.5).
Cause Walk::ppp() noexcept {
  std::uint16_t protocol = at.u8();
  if ((protocol & 1U) == 0) protocol = static_cast<std::uint16_t>(protocol << 8 | at.u8());
  if (!at.ok()) return Cause::EncapBad;
  switch (protocol) {
    case 0x0021: return ipv4();
    case 0x0057: return ipv6();
    default: return Cause::NotIp;
  }
}

/// RFC 2784 with key and sequence number (RFC 2890); version 1 is PPTP's (RFC 2637 4.1).
Cause Walk::gre() noexcept {
  constexpr std::uint16_t kChecksum = 0x8000, kRouting = 0x4000, kKey = 0x2000, kSequence = 0x1000, kVersion = 0x0007;
  note(LayerKind::Gre, offset());
  const std::uint16_t flags = at.be16();
  const auto type = EtherType{at.be16()};
  if (!at.ok() || (flags & kRouting) != 0) return Cause::EncapBad;
  if ((flags & kVersion) == 1 && type == kGrePpp) return pptp(flags);
  if ((flags & kVersion) != 0) return Cause::EncapBad;
  if ((flags & kChecksum) != 0) at.skip(4);
  if ((flags & kKey) != 0) at.skip(4);
  if ((flags & kSequence) != 0) at.skip(4);
  if (!at.ok()) return Cause::EncapBad;
  if (type == kBridgedEthernet) return ethernet();
  if (type == kErspan2 || type == kErspan3) return erspan(type, (flags & kSequence) != 0);
  return ether_type(type);
}

Cause Walk::pptp(std::uint16_t flags) noexcept {
  constexpr std::uint16_t kSequence = 0x1000, kAcknowledge = 0x0080;
  const std::size_t length = at.be16();
  at.skip(2);  // call id
  if ((flags & kSequence) != 0) at.skip(4);
  if ((flags & kAcknowledge) != 0) at.skip(4);
  if (!at.ok()) return Cause::EncapBad;
  if ((flags & kSequence) == 0) return Cause::NotIp;  // a bare acknowledgement
  at = at.sub(std::min(length, at.remaining()));
  constexpr std::uint16_t kAllStationsUnnumbered = 0xff03;  // absent where compressed, RFC 1661 6.6
  if (at.remaining() >= 2 && load_be16(at.rest().data()) == kAllStationsUnnumbered) at.skip(2);
  return ppp();
}

/// A mirrored frame: type I has no header and no GRE sequence number, II has 8 bytes, III has 12 or 20.
Cause Walk::erspan(EtherType type, bool sequenced) noexcept {
  note(LayerKind::Erspan, offset());
  if (type == kErspan2) {
    if (sequenced) at.skip(8);
  } else {
    const Bytes header = at.bytes(12);
    if (!header.empty() && (header[11] & 1U) != 0) at.skip(8);  // platform-specific subheader
  }
  return at.ok() ? ethernet() : Cause::EncapBad;
}

bool Walk::udp_tunnel(Bytes payload, Cause& cause) noexcept {
  Cursor inner(payload);
  auto type = EtherType{0};
  std::optional<LayerKind> tunnel;
  if (view.dst_port == kVxlanPort) {
    tunnel = LayerKind::Vxlan;
    const std::uint32_t flags = inner.be32();
    inner.skip(4);
    if ((flags & 0x08000000) == 0) return false;  // RFC 7348 5: the I flag; the others are ignored
    type = kBridgedEthernet;
  } else if (view.dst_port == kGenevePort) {
    tunnel = LayerKind::Geneve;
    const std::uint8_t version_and_options = inner.u8();
    inner.skip(1);
    type = EtherType{inner.be16()};
    if (version_and_options >> 6 != 0) return false;  // RFC 8926 3.4
    inner.skip(4 + (version_and_options & 0x3fU) * 4U);
  } else if (view.dst_port == kGtpUserPort) {
    tunnel = LayerKind::GtpUser;
    if (!pass_gtp_user(inner) || inner.empty()) return false;
    type = inner.rest()[0] >> 4 == 4 ? EtherType::Ipv4 : EtherType::Ipv6;
  } else if (view.dst_port == kTeredoPort || view.src_port == kTeredoPort) {
    if (!pass_teredo(inner)) return false;
    type = EtherType::Ipv6;
  } else {
    return false;
  }
  if (!inner.ok()) return false;
  const Bytes rest = inner.rest();
  if (type == kBridgedEthernet ? !looks_like_ethernet(rest) : !looks_like_ip(rest)) return false;
  if (!descend()) {
    cause = Cause::TooDeep;
    return true;
  }
  view.one_way = true;
  note(LayerKind::Udp, view.l4);
  if (tunnel) note(*tunnel, view.payload);
  at = inner;
  cause = type == kBridgedEthernet ? ethernet() : ether_type(type);
  return true;
}

}  // namespace sluice
