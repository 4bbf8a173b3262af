#pragma once

#include "dataplane/base/cursor.h"
#include "dataplane/packet/parse.h"
#include "dataplane/packet/trail.h"

namespace sluice {

/// Parses a frame whose IP header stands at `like.l3`, behind what `like` says of the link: for datagrams that were put
/// together.
void parse_datagram(Bytes frame, const PacketView& like, PacketView& out) noexcept;

/// One way down through the headers of a frame; private to this room. Each step reads one header from `at`
/// and goes on with the next one, so that the last one's Cause is the answer. Depth is bounded by `budget`.
struct Walk {
  Walk(Bytes frame, PacketView& to) noexcept : at(frame), view(to) {}

  Cursor at;  ///< what is left of the innermost header's payload
  PacketView& view;
  unsigned budget = kMaxEncapsulations;
  Trail* trail = nullptr;  ///< takes down what is passed, where it is asked for

  // parse.cc
  Cause link(LinkType type) noexcept;
  Cause ethernet() noexcept;
  Cause ether_type(EtherType type) noexcept;
  Cause ipv4() noexcept;
  Cause ipv6() noexcept;

  // tunnel.cc
  Cause length_field() noexcept;
  Cause mpls() noexcept;
  Cause pppoe() noexcept;
  Cause ppp() noexcept;
  Cause gre() noexcept;
  /// Goes into a UDP tunnel where the ports and every header say that `payload` is one. False: plain UDP.
  bool udp_tunnel(Bytes payload, Cause& cause) noexcept;

  [[nodiscard]] std::uint16_t offset() const noexcept {
    return static_cast<std::uint16_t>(at.rest().data() - view.data);
  }
  void note(LayerKind kind, std::uint16_t where) const noexcept {
    if (trail != nullptr) trail->add(kind, where);
  }
  /// Takes one encapsulation from the budget; false when it is spent.
  [[nodiscard]] bool descend() noexcept { return budget-- > 0; }

 private:
  Cause vlan() noexcept;
  Cause cooked() noexcept;
  Cause cooked2() noexcept;
  Cause null_link() noexcept;
  Cause raw_ip() noexcept;

  bool extension_header(IpProto& next) noexcept;
  Cause ipv6_fragment(IpProto& next, bool cut) noexcept;
  Cause fragment_data(std::uint32_t offset_bytes, bool more, bool cut) noexcept;
  Cause transport(IpProto proto) noexcept;
  Cause tcp() noexcept;
  Cause udp() noexcept;

  Cause pptp(std::uint16_t flags) noexcept;
  Cause erspan(EtherType type, bool sequenced) noexcept;
};

}  // namespace sluice
