#include "dataplane/reply/envelope.h"

#include <array>
#include <cstring>

#include "dataplane/reply/checksum.h"
#include "dataplane/reply/message_writer.h"

namespace sluice {
namespace {

constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::uint8_t kTtl = 64;

bool is_group_address(const PacketView& view, Bytes address) noexcept {
  return view.ipv6 ? address[0] == 0xff : address[0] >= 0xe0;  // RFC 4291 2.7; RFC 1112 4, with 240/4 and broadcast
}

}  // namespace

Envelope::Envelope(const PacketView& trigger, Way way, const Paths& paths, MutableBytes out) noexcept
    : trigger_(trigger), out_(out), way_(way) {
  if (trigger.unanswerable || (way == Way::Back && is_group_address(trigger, trigger.dst()))) return;
  if (paths.injection ? !write_link(*paths.injection) : !encapsulation_.write(trigger, way, paths, out)) return;
  if (!paths.injection) l3_ = encapsulation_.size();
  const std::size_t l4 = l3_ + (trigger.ipv6 ? kIpv6Bytes : kIpv4Bytes);
  if (l4 <= out.size()) l4_ = l4;
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
  encapsulation_.finish(out_.first(l4_ + l4_len));
  return l4_ + l4_len;
}

std::size_t link_bytes(const PacketView& trigger, Way way, const Paths& paths) noexcept {
  std::array<std::uint8_t, 512> scratch;
  const Envelope envelope(trigger, way, paths, scratch);
  return envelope.ok() ? envelope.link_bytes() : 0;
}

std::size_t Envelope::finish_tcp(std::size_t l4_len) noexcept {
  write_ip(IpProto::Tcp, l4_len);
  write_ports();
  store_be16(l4() + 16, 0);
  store_be16(l4() + 16, l4_checksum(IpProto::Tcp, l4_len));
  encapsulation_.finish(out_.first(l4_ + l4_len));
  return l4_ + l4_len;
}

}  // namespace sluice
