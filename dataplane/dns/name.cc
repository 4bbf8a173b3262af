#include "dataplane/dns/name.h"

namespace sluice {
namespace {

constexpr std::uint8_t kLabelType = 0xc0;  // RFC 1035 4.1.4: the two high bits of a length byte
constexpr std::size_t kHeaderBytes = 12;

char* write_escaped(char* to, std::uint8_t byte) noexcept {
  if (byte < 0x21 || byte > 0x7e) {
    *to++ = '\\';
    *to++ = static_cast<char>('0' + byte / 100);
    *to++ = static_cast<char>('0' + byte / 10 % 10);
    *to++ = static_cast<char>('0' + byte % 10);
    return to;
  }
  if (byte == '.' || byte == '\\') *to++ = '\\';
  *to++ = static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
  return to;
}

}  // namespace

Bytes DnsLabels::stop(Cause cause) noexcept {
  cause_ = cause;
  return {};
}

Bytes DnsLabels::next() noexcept {
  if (cause_ != Cause::None) return {};
  for (;;) {
    if (at_ >= message_.size()) return stop(Cause::DnsTruncated);
    const std::uint8_t length = message_[at_];
    if ((length & kLabelType) == kLabelType) {
      if (!follow(length)) return {};
      continue;
    }
    if ((length & kLabelType) != 0) return stop(Cause::DnsBadLabel);
    wire_bytes_ += std::size_t{1} + length;
    if (wire_bytes_ > kMaxWireBytes) return stop(Cause::DnsNameTooLong);
    if (length > message_.size() - at_ - 1) return stop(Cause::DnsTruncated);
    const Bytes label = message_.subspan(at_ + 1, length);
    at_ += std::size_t{1} + length;
    return label;
  }
}

bool DnsLabels::follow(std::uint8_t high) noexcept {
  if (message_.size() - at_ < 2) return stop(Cause::DnsTruncated), false;
  const std::size_t target = (high & ~kLabelType & 0xffU) << 8 | message_[at_ + 1];
  if (hops_ == 0) end_ = at_ + 2;
  if (target >= lowest_ || target < kHeaderBytes || ++hops_ > kMaxHops) return stop(Cause::DnsBadPointer), false;
  at_ = lowest_ = target;
  return true;
}

std::size_t skip_dns_name(Bytes message, std::size_t offset) noexcept {
  while (offset < message.size()) {
    const std::uint8_t length = message[offset];
    if ((length & kLabelType) == kLabelType) return offset + 2 <= message.size() ? offset + 2 : 0;
    if ((length & kLabelType) != 0) return 0;
    offset += std::size_t{1} + length;
    if (length == 0) return offset;
  }
  return 0;
}

std::size_t write_dns_name(Bytes message, std::size_t offset, std::span<char> out) noexcept {
  if (out.size() < kMaxDnsNameText) return 0;
  DnsLabels labels(message, offset);
  char* to = out.data();
  for (Bytes label = labels.next(); !label.empty(); label = labels.next()) {
    if (to != out.data()) *to++ = '.';
    for (const std::uint8_t byte : label) to = write_escaped(to, byte);
  }
  if (labels.cause() != Cause::None) return 0;
  if (to == out.data()) *to++ = '.';
  return static_cast<std::size_t>(to - out.data());
}

}  // namespace sluice
