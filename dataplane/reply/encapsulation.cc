#include "dataplane/reply/encapsulation.h"

#include <algorithm>
#include <span>

#include "dataplane/reply/checksum.h"

namespace sluice {
namespace {

using Layers = std::span<const Layer>;

constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kTagBytes = 4;  // of a VLAN tag, a label, a control word
constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::size_t kPppoeBytes = 6;
constexpr std::size_t kTunnelBytes = 8;  // of UDP, VXLAN, Geneve and GTP-U
constexpr std::uint8_t kTtl = 64;
constexpr std::uint16_t kGreKey = 0x2000;

bool is_ip(LayerKind kind) noexcept {
  return kind == LayerKind::Ipv4 || kind == LayerKind::Ipv6;
}

/// VLAN ids or labels from layer `i` on, all of one kind; `shift`: where they stand in their 32 bits. Count 0: too
/// many.
TunnelIds ids_of_run(const PacketView& view, Layers layers, std::size_t i, unsigned shift,
                     std::uint32_t mask) noexcept {
  TunnelIds ids;
  for (const LayerKind kind = layers[i].kind; layers[i].kind == kind; ++i) {
    if (ids.count == TunnelIds::kMost) return {};
    ids.id[ids.count++] = load_be32(view.data + layers[i].at) >> shift & mask;
  }
  return ids;
}

TunnelIds vlan_ids(const PacketView& view, Layers layers, std::size_t i) noexcept {
  return ids_of_run(view, layers, i, 16, 0xfff);
}

TunnelIds one_id(std::uint32_t id) noexcept {
  TunnelIds ids{.count = 1};
  ids.id[0] = id;
  return ids;
}

/// Tunnel and ids behind the outer IP header at layer `i`. False: none that there is a way back from.
bool read_tunnel(const PacketView& view, Layers layers, std::size_t i, WayBack& came) noexcept {
  const Layer& next = layers[i + 1];
  const std::uint8_t* header = view.data + next.at;
  if (is_ip(next.kind)) {
    came.tunnel = Tunnel::Ip;
    came.in = TunnelIds{};
    return true;
  }
  if (next.kind == LayerKind::Gre) {
    came.tunnel = layers[i + 2].kind == LayerKind::Erspan ? Tunnel::Erspan : Tunnel::Gre;
    const std::uint16_t flags = load_be16(header);
    const bool plain = (flags & ~kGreKey) == 0;
    came.in = plain && flags == kGreKey ? one_id(load_be32(header + 4)) : TunnelIds{};
    return true;
  }
  if (next.kind != LayerKind::Udp) return false;
  const LayerKind kind = layers[i + 2].kind;
  const std::uint32_t id = load_be32(view.data + layers[i + 2].at + 4);
  if (kind == LayerKind::GtpUser) {
    came.tunnel = Tunnel::GtpUser;
    came.in = one_id(id);
    return true;
  }
  came.tunnel = kind == LayerKind::Geneve ? Tunnel::Geneve : Tunnel::Vxlan;
  came.in = one_id(id >> 8);
  return kind == LayerKind::Geneve || kind == LayerKind::Vxlan;
}

/// The configured way back of the labels, or of the tunnel whose outer IP header, that layer `i` is. Null: there is
/// none.
const WayBack* way_of(const PacketView& view, Layers layers, std::size_t i, const WaysBack& ways) noexcept {
  WayBack came;
  const std::uint8_t* ip = view.data + layers[i].at;
  if (layers[i].kind == LayerKind::Mpls) {
    came.tunnel = Tunnel::Mpls;
    came.in = ids_of_run(view, layers, i, 12, 0xfffff);
    if (came.in->count == 0) return nullptr;
  } else {
    if (!read_tunnel(view, layers, i, came)) return nullptr;
    came.ipv6 = layers[i].kind == LayerKind::Ipv6;
    const std::size_t bytes = came.ipv6 ? 16 : 4;
    std::copy_n(ip + (came.ipv6 ? 8 : 12), bytes, came.from.begin());
    std::copy_n(ip + (came.ipv6 ? 24 : 16), bytes, came.to.begin());
  }
  return ways.find(came);
}

/// Mirror mode: every tunnel around the packet is one that is believed.
bool all_known(const PacketView& view, Layers layers, const WaysBack& ways) noexcept {
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    const LayerKind kind = layers[i].kind;
    const bool labels = kind == LayerKind::Mpls && layers[i - 1].kind != LayerKind::Mpls;
    if ((labels || is_ip(kind)) && way_of(view, layers, i, ways) == nullptr) return false;
  }
  return true;
}

}  // namespace

/// The trigger, on its way down.
struct Encapsulation::Source {
  const PacketView& view;
  Layers layers;
  bool back;
  const WaysBack& ways;
  const WayBack* tunnel = nullptr;  ///< the way back of the IP header passed last

  [[nodiscard]] const std::uint8_t* data(std::size_t i) const noexcept { return view.data + layers[i].at; }
  [[nodiscard]] std::size_t size(std::size_t i) const noexcept { return layers[i + 1].at - layers[i].at; }
  [[nodiscard]] Bytes bytes(std::size_t i) const noexcept { return {data(i), size(i)}; }
  /// Length of the run of layers of one kind; 0 where one of them is not of that many bytes.
  [[nodiscard]] std::size_t run(std::size_t i, std::size_t bytes) const noexcept {
    std::size_t n = 0;
    for (; layers[i + n].kind == layers[i].kind; ++n) {
      if (size(i + n) != bytes) return 0;
    }
    return n;
  }
  /// The id that stands there, or the one of the way back.
  [[nodiscard]] std::uint32_t id(std::uint32_t came) const noexcept {
    return back && tunnel != nullptr && tunnel->out ? tunnel->out->id[0] : came;
  }

  bool ethernet(std::size_t i, MessageWriter& w) const noexcept {
    if (size(i) != kEthernetBytes || (back && (data(i)[0] & 1) != 0)) return false;
    w.bytes({data(i) + (back ? kMacBytes : 0), kMacBytes});
    w.bytes({data(i) + (back ? 0 : kMacBytes), kMacBytes});
    w.bytes({data(i) + 2 * kMacBytes, 2});
    return true;
  }

  /// Tags keep their priority and types.
  bool tags(std::size_t i, std::size_t count, MessageWriter& w) const noexcept {
    const WayBack* other = nullptr;
    if (back && !ways.empty() && i == 1) {
      WayBack came;
      came.tunnel = Tunnel::Vlan;
      came.in = vlan_ids(view, layers, i);
      other = ways.find(came);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint32_t tag = load_be32(data(i + k));
      w.be32(other == nullptr ? tag : (tag & 0xf000ffff) | other->out->id[k] << 16);
    }
    return count > 0;
  }

  bool labels(std::size_t i, std::size_t count, MessageWriter& w) const noexcept {
    if (!back) {
      for (std::size_t k = 0; k < count; ++k) w.bytes(bytes(i + k));
      return count > 0;
    }
    const WayBack* way = way_of(view, layers, i, ways);
    if (count == 0 || way == nullptr || !way->out) return false;
    for (std::size_t k = 0; k < way->out->count; ++k) {
      const bool bottom = k + 1U == way->out->count;
      w.be32(way->out->id[k] << 12 | (bottom ? 0x100U : 0U) | kTtl);
    }
    return true;
  }

  bool ipv4(std::size_t i, MessageWriter& w) noexcept {
    tunnel = back ? way_of(view, layers, i, ways) : nullptr;
    if (size(i) != kIpv4Bytes || (back && tunnel == nullptr)) return false;
    const std::uint8_t* ip = data(i);
    w.u8(ip[0]);
    w.u8(back ? std::uint8_t{0} : ip[1]);
    w.be32(0);       // length, later; identification (RFC 6864)
    w.be16(0x4000);  // DF
    w.u8(back ? kTtl : ip[8]);
    w.u8(ip[9]);
    w.be16(0);
    w.bytes({ip + (back ? 16 : 12), 4});
    w.bytes({ip + (back ? 12 : 16), 4});
    return true;
  }

  bool ipv6(std::size_t i, MessageWriter& w) noexcept {
    tunnel = back ? way_of(view, layers, i, ways) : nullptr;
    if (size(i) != kIpv6Bytes || (back && tunnel == nullptr)) return false;
    const std::uint8_t* ip = data(i);
    w.be32(back ? 0x60000000U : load_be32(ip));
    w.be16(0);  // length, later
    w.u8(ip[6]);
    w.u8(back ? kTtl : ip[7]);
    w.bytes({ip + (back ? 24 : 8), 16});
    w.bytes({ip + (back ? 8 : 24), 16});
    return true;
  }

  bool gre(std::size_t i, MessageWriter& w) const noexcept {
    const std::uint16_t flags = load_be16(data(i));
    if ((flags & ~kGreKey) != 0) return false;
    const bool keyed = flags == kGreKey;
    if (size(i) != (keyed ? 8U : 4U)) return false;
    w.bytes({data(i), 4});
    if (keyed) w.be32(id(load_be32(data(i) + 4)));
    return true;
  }

  /// VXLAN and Geneve without options: a VNI of 24 bits in the second word.
  bool network(std::size_t i, MessageWriter& w) const noexcept {
    if (size(i) != kTunnelBytes) return false;
    w.bytes({data(i), 4});
    w.be32(id(load_be32(data(i) + 4) >> 8) << 8);
    return true;
  }

  bool gtp_user(std::size_t i, MessageWriter& w) const noexcept {
    if (size(i) != kTunnelBytes) return false;
    w.be32(0x30ff0000);  // version 1, G-PDU, no options; length, later
    w.be32(id(load_be32(data(i) + 4)));
    return true;
  }
};

/// Writes layer `i`, or the run that begins with it, and moves `i` to its last one.
bool Encapsulation::write_layer(Source& from, std::size_t& i, MessageWriter& w) noexcept {
  const Layer& layer = from.layers[i];
  const std::size_t first = i;
  written_.add(layer.kind, static_cast<std::uint16_t>(w.size()));
  switch (layer.kind) {
    case LayerKind::Ethernet: return from.ethernet(i, w);
    case LayerKind::Vlan:
    case LayerKind::Mpls: {
      const std::size_t count = from.run(i, kTagBytes);
      i += count - (count > 0 ? 1 : 0);
      return layer.kind == LayerKind::Vlan ? from.tags(first, count, w) : from.labels(first, count, w);
    }
    case LayerKind::ControlWord: w.be32(0); return from.size(i) == kTagBytes;
    case LayerKind::Pppoe:  // the PPP protocol has two bytes, or one where the peers compress it (RFC 1661 6.5)
      w.bytes(from.bytes(i));
      return from.size(i) == kPppoeBytes + 2 || from.size(i) == kPppoeBytes + 1;
    case LayerKind::Ipv4: return from.ipv4(i, w);
    case LayerKind::Ipv6: return from.ipv6(i, w);
    case LayerKind::Udp: w.bytes(from.bytes(i)); return from.size(i) == kTunnelBytes;
    case LayerKind::Gre: return from.gre(i, w);
    case LayerKind::Vxlan:
    case LayerKind::Geneve: return from.network(i, w);
    case LayerKind::GtpUser: return from.gtp_user(i, w);
    case LayerKind::Erspan: return false;
  }
  return false;
}

bool Encapsulation::write(const PacketView& trigger, Way way, const Paths& paths, MutableBytes out) noexcept {
  Trail trail;
  if (trigger.unanswerable || !trace_packet(trigger, trail)) return false;
  Source from{trigger, trail.layers(), way == Way::Back, paths.ways_back};
  MessageWriter w(out.data(), out.size());
  for (std::size_t i = 0; i + 1 < from.layers.size(); ++i) {
    if (!write_layer(from, i, w)) return false;
  }
  size_ = w.size();
  return w.ok();
}

// From the inside out: the checksum of UDP covers all that is within.
void Encapsulation::finish(MutableBytes frame) const noexcept {
  const Layers layers = written_.layers();
  for (std::size_t i = layers.size(); i-- > 0;) {
    std::uint8_t* header = frame.data() + layers[i].at;
    const std::size_t bytes = frame.size() - layers[i].at;
    switch (layers[i].kind) {
      case LayerKind::Pppoe: store_be16(header + 4, static_cast<std::uint16_t>(bytes - kPppoeBytes)); break;
      case LayerKind::Ipv4:
        store_be16(header + 2, static_cast<std::uint16_t>(bytes));
        store_be16(header + 10, checksum_fold(checksum_add(0, {header, kIpv4Bytes})));
        break;
      case LayerKind::Ipv6: store_be16(header + 4, static_cast<std::uint16_t>(bytes - kIpv6Bytes)); break;
      case LayerKind::GtpUser: store_be16(header + 2, static_cast<std::uint16_t>(bytes - kTunnelBytes)); break;
      case LayerKind::Udp: {
        store_be16(header + 4, static_cast<std::uint16_t>(bytes));
        if (load_be16(header + 6) == 0) break;  // the trigger had none (RFC 768, RFC 6935)
        store_be16(header + 6, 0);
        const bool v6 = layers[i - 1].kind == LayerKind::Ipv6;
        const Bytes addresses{frame.data() + layers[i - 1].at + (v6 ? 8 : 12), v6 ? 32U : 8U};
        const std::uint64_t pseudo = checksum_add(static_cast<std::uint8_t>(IpProto::Udp) + bytes, addresses);
        const std::uint16_t sum = checksum_fold(checksum_add(pseudo, {header, bytes}));
        store_be16(header + 6, sum == 0 ? std::uint16_t{0xffff} : sum);
        break;
      }
      default: break;
    }
  }
}

bool has_way_back(const PacketView& trigger, const Paths& paths) noexcept {
  if (trigger.unanswerable || (trigger.one_way && paths.ways_back.empty())) return false;
  if (!trigger.one_way) return true;
  Trail trail;
  if (paths.injection) return trace_packet(trigger, trail) && all_known(trigger, trail.layers(), paths.ways_back);
  std::array<std::uint8_t, 512> scratch;
  Encapsulation encapsulation;
  return encapsulation.write(trigger, Way::Back, paths, scratch);
}

}  // namespace sluice
