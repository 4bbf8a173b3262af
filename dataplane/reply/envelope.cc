#include "dataplane/reply/envelope.h"

#include <array>
#include <cstring>

#include "dataplane/reply/checksum.h"
#include "dataplane/reply/message_writer.h"

namespace sluice {
namespace {

constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::size_t kPppoeBytes = 6;
constexpr std::uint8_t kTtl = 64;

bool is_tag(std::uint16_t type) noexcept {
  return type == static_cast<std::uint16_t>(EtherType::Vlan) || type == static_cast<std::uint16_t>(EtherType::QinQ) ||
         type == static_cast<std::uint16_t>(EtherType::QinQOld);
}

/// Walks MACs, tags and PPPoE. True where they lead exactly to the IP header: then they can be sent back as they are.
bool walk_link(const PacketView& view, std::size_t& pppoe) noexcept {
  std::size_t at = 2 * kMacBytes;
  if (view.l3 < at + 2 || view.l3 > view.len) return false;
  std::uint16_t type = load_be16(view.data + at);
  while (is_tag(type)) {
    at += 4;
    if (at + 2 > view.l3) return false;
    type = load_be16(view.data + at);
  }
  at += 2;
  if (type == static_cast<std::uint16_t>(EtherType::PppoeSession)) {
    pppoe = at;
    at += kPppoeBytes;
    // The PPP protocol field has two bytes, or one where the peers compress it (RFC 1661 6.5).
    return at + 2 == view.l3 || at + 1 == view.l3;
  }
  return at == view.l3;
}

bool is_group_address(const PacketView& view, Bytes address) noexcept {
  return view.ipv6 ? address[0] == 0xff : address[0] >= 0xe0;  // RFC 4291 2.7; RFC 1112 4, with 240/4 and broadcast
}

}  // namespace

Envelope::Envelope(const PacketView& trigger, Way way, const Paths& paths, MutableBytes out) noexcept
    : trigger_(trigger), out_(out), way_(way) {
  if (trigger.one_way || (way == Way::Back && is_group_address(trigger, trigger.dst()))) return;
  if (paths.injection ? !write_link(*paths.injection) : !turn_link()) return;
  const std::size_t l4 = l3_ + (trigger.ipv6 ? kIpv6Bytes : kIpv4Bytes);
  if (l4 <= out.size()) l4_ = l4;
}

/// The trigger's own link header, for the way back with its addresses swapped.
bool Envelope::turn_link() noexcept {
  l3_ = trigger_.l3;
  if (l3_ > out_.size() || !walk_link(trigger_, pppoe_)) return false;
  std::memcpy(out_.data(), trigger_.data, l3_);
  if (way_ == Way::Onward) return true;
  std::memcpy(out_.data(), trigger_.data + kMacBytes, kMacBytes);
  std::memcpy(out_.data() + kMacBytes, trigger_.data, kMacBytes);
  return (trigger_.data[0] & 1) == 0;
}

bool Envelope::write_link(const Injection& injection) noexcept {
  const NextHop& hop = way_ == Way::Back ? injection.to_subscribers : injection.to_internet;
  MessageWriter w(out_.data(), out_.size());
  w.bytes(hop.mac);
  w.bytes(injection.source);
  for (std::size_t i = 0; i < hop.tags; ++i) {
    w.be16(static_cast<std::uint16_t>(i + 1 < hop.tags ? EtherType::QinQ : EtherType::Vlan));
    w.be16(hop.vlan[i]);
  }
  w.be16(static_cast<std::uint16_t>(trigger_.ipv6 ? EtherType::Ipv6 : EtherType::Ipv4));
  l3_ = w.size();
  return w.ok();
}

std::size_t Envelope::room() const noexcept {
  return out_.size() - l4_;
}

void Envelope::write_ip(IpProto proto, std::size_t l4_len) noexcept {
  std::uint8_t* ip = out_.data() + l3_;
  const std::uint8_t* was = trigger_.data + l3_;
  const bool back = way_ == Way::Back;
  const Bytes src = back ? trigger_.dst() : trigger_.src();
  const Bytes dst = back ? trigger_.src() : trigger_.dst();
  if (trigger_.ipv6) {
    store_be32(ip, back ? 0x60000000U : load_be32(was));
    store_be16(ip + 4, static_cast<std::uint16_t>(l4_len));
    ip[6] = static_cast<std::uint8_t>(proto);
    ip[7] = back ? kTtl : was[7];
    std::memcpy(ip + 8, src.data(), 16);
    std::memcpy(ip + 24, dst.data(), 16);
  } else {
    ip[0] = 0x45;
    ip[1] = back ? std::uint8_t{0} : was[1];
    store_be16(ip + 2, static_cast<std::uint16_t>(kIpv4Bytes + l4_len));
    store_be16(ip + 4, 0);
    store_be16(ip + 6, 0x4000);  // DF
    ip[8] = back ? kTtl : was[8];
    ip[9] = static_cast<std::uint8_t>(proto);
    store_be16(ip + 10, 0);
    std::memcpy(ip + 12, src.data(), 4);
    std::memcpy(ip + 16, dst.data(), 4);
    store_be16(ip + 10, checksum_fold(checksum_add(0, {ip, kIpv4Bytes})));
  }
  if (pppoe_ != 0) {
    const std::size_t payload = l4_ + l4_len - (pppoe_ + kPppoeBytes);
    store_be16(out_.data() + pppoe_ + 4, static_cast<std::uint16_t>(payload));
  }
}

std::uint16_t Envelope::l4_checksum(IpProto proto, std::size_t l4_len) const noexcept {
  // Pseudo-header (RFC 9293 3.1, RFC 8200 8.1). A sum does not mind that the addresses are swapped.
  std::uint64_t sum = static_cast<std::uint8_t>(proto) + l4_len;
  sum = checksum_add(sum, trigger_.src());
  sum = checksum_add(sum, trigger_.dst());
  return checksum_fold(checksum_add(sum, {out_.data() + l4_, l4_len}));
}

void Envelope::write_ports() noexcept {
  const bool back = way_ == Way::Back;
  store_be16(l4(), back ? trigger_.dst_port : trigger_.src_port);
  store_be16(l4() + 2, back ? trigger_.src_port : trigger_.dst_port);
}

std::size_t Envelope::finish_udp(std::size_t l4_len) noexcept {
  write_ip(IpProto::Udp, l4_len);
  write_ports();
  store_be16(l4() + 4, static_cast<std::uint16_t>(l4_len));
  store_be16(l4() + 6, 0);
  const std::uint16_t sum = l4_checksum(IpProto::Udp, l4_len);
  store_be16(l4() + 6, sum == 0 ? std::uint16_t{0xffff} : sum);  // RFC 768: 0 means "none"
  return l4_ + l4_len;
}

std::size_t link_bytes(const PacketView& trigger, Way way, const Paths& paths) noexcept {
  std::array<std::uint8_t, 256> scratch;
  const Envelope envelope(trigger, way, paths, scratch);
  return envelope.ok() ? envelope.link_bytes() : 0;
}

std::size_t Envelope::finish_tcp(std::size_t l4_len) noexcept {
  write_ip(IpProto::Tcp, l4_len);
  write_ports();
  store_be16(l4() + 16, 0);
  store_be16(l4() + 16, l4_checksum(IpProto::Tcp, l4_len));
  return l4_ + l4_len;
}

}  // namespace sluice
