#pragma once

#include <array>
#include <cstddef>

#include "dataplane/base/bytes.h"
#include "dataplane/packet/packet_view.h"
#include "dataplane/packet/trail.h"
#include "dataplane/reply/message_writer.h"
#include "dataplane/reply/paths.h"

namespace sluice {

/// Which way a packet made here goes, seen from its trigger.
enum class Way : std::uint8_t {
  Back,    ///< to the sender of the trigger: MACs, addresses and ports swapped, TTL 64
  Onward,  ///< in place of the trigger: MACs, addresses, ports, TTL and traffic class as it had them
};

/// Everything in front of a packet's innermost IP header: Ethernet with VLAN tags and PPPoE, made from the trigger's
/// alone; MPLS, IP in IP, GRE, VXLAN, Geneve and GTP-U only where Paths::ways_back knows the way, and only in their
/// plain form: no IP options or extension headers, no GRE checksum or sequence number, no options of Geneve or GTP-U.
class Encapsulation {
 public:
  /// Writes the headers but for lengths and checksums. False: there is no way. `trigger` is an Ethernet frame.
  bool write(const PacketView& trigger, Way way, const Paths& paths, MutableBytes out) noexcept;
  /// Bytes written.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Writes lengths and checksums, once the rest of the frame is complete.
  void finish(MutableBytes frame) const noexcept;

 private:
  struct Source;
  bool write_layer(Source& from, std::size_t& i, MessageWriter& w) noexcept;

  Trail written_;
  std::size_t size_ = 0;
};

/// Is every tunnel around this packet one whose way back is configured? True without a tunnel; false for what cannot be
/// answered at all.
[[nodiscard]] bool has_way_back(const PacketView& trigger, const Paths& paths) noexcept;

}  // namespace sluice
