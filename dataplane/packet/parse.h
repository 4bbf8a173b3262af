#pragma once

#include "dataplane/packet/packet_view.h"

namespace sluice {

/// Most VLAN tags, MPLS labels, PPPoE and tunnel headers passed in one frame, in all; beyond: Cause::TooDeep.
inline constexpr unsigned kMaxEncapsulations = 8;
/// Most extension headers passed after one IPv6 header; beyond: Cause::TooDeep.
inline constexpr unsigned kMaxExtensionHeaders = 16;

/// Finds the innermost TCP or UDP header of a frame and fills `out`; out.cause says how far it got
/// (packet_view.h). Reads Ethernet II, 802.3 with SNAP, VLAN tags (0x8100, 0x88a8, 0x9100), MPLS (RFC 3032,
/// 4448), PPPoE (RFC 2516), IPv4 (RFC 791), IPv6 with extension headers (RFC 8200), IP in IP (RFC 2003, 2473,
/// 4213), GRE (RFC 2784, 2890, 2637) with Ethernet or ERSPAN inside, and, on their own UDP ports only, VXLAN,
/// Geneve, GTP-U and Teredo.
///
/// - The way back is known (one_way == false) through VLAN tags and PPPoE alone: the bytes before l3,
/// addresses swapped
///   and PPPoE length corrected, lead back. Everything else, and every link type but Ethernet, is one_way.
/// - Bytes behind the IP total length (Ethernet padding) are not payload. A frame that ends before its IP
/// length does,
///   as captures and mirrors cut them, is read as far as it goes: Cause::None if the TCP or UDP header is
///   complete, payload_len counts the bytes that are there. A fragment that is cut is IpTruncated, so it is
///   never reassembled.
/// - A UDP length shorter than the datagram cuts the payload; a longer one is ignored; 0 over IPv6 means the
/// rest of the
///   datagram, as Linux takes it (RFC 2675 4). Jumbograms are IpBadLength.
/// - Of a frame over 65535 bytes the first 65535 are read.
void parse_packet(Bytes frame, LinkType link, PacketView& out) noexcept;

}  // namespace sluice
