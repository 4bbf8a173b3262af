#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet/packet_view.h"

namespace sluice {

/// A header on the way to the innermost IP header.
enum class LayerKind : std::uint8_t {
  Ethernet,     ///< addresses and type
  Vlan,         ///< TCI and the type behind it
  Pppoe,        ///< with the PPP protocol field
  Mpls,         ///< one label
  ControlWord,  ///< of an Ethernet pseudowire
  Ipv4,
  Ipv6,
  Udp,  ///< of a tunnel
  Gre,
  Erspan,  ///< may have no bytes
  Vxlan,
  Geneve,
  GtpUser,
};

struct Layer {
  LayerKind kind;
  std::uint16_t at;  ///< offset in the frame
};

/// Headers in the order of the frame. What has no kind of its own (LLC, PPTP, Teredo) leaves a gap, as options do.
class Trail {
 public:
  void add(LayerKind kind, std::uint16_t at) noexcept {
    if (count_ < layers_.size())
      layers_[count_++] = {kind, at};
    else
      overflow_ = true;
  }
  [[nodiscard]] std::span<const Layer> layers() const noexcept { return {layers_.data(), count_}; }
  [[nodiscard]] bool whole() const noexcept { return !overflow_; }

 private:
  std::array<Layer, 24> layers_;
  std::size_t count_ = 0;
  bool overflow_ = false;
};

/// Walks down an Ethernet frame that was parsed before, and notes what it passes; the last layer is the innermost IP
/// header. False where there are too many, or the way does not lead to view.l3 again (a datagram of fragments, behind a
/// header that only counts its own one).
[[nodiscard]] bool trace_packet(const PacketView& view, Trail& out) noexcept;

}  // namespace sluice
