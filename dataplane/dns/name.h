#pragma once

#include <span>

#include "dataplane/base/bytes.h"
#include "dataplane/base/cause.h"

namespace sluice {

/// Walks the labels of one name in a DNS message (RFC 1035 3.1, 4.1.4). Compression pointers are bounded
/// three ways: each points strictly before everything read so far, none into the 12-byte header, and at most
/// kMaxHops of them.
class DnsLabels {
 public:
  static constexpr unsigned kMaxHops = 16;
  static constexpr std::size_t kMaxWireBytes = 255;  ///< RFC 1035 3.1: labels, length bytes and root

  DnsLabels(Bytes message, std::size_t offset) noexcept : message_(message), at_(offset), lowest_(offset) {}

  /// The next label, 1..63 bytes; empty at the root, and where cause() says why there is none.
  Bytes next() noexcept;

  /// None, DnsTruncated, DnsBadLabel, DnsBadPointer or DnsNameTooLong.
  [[nodiscard]] Cause cause() const noexcept { return cause_; }
  /// After the root was reached: offset of the first byte behind the name where it stands in the message.
  [[nodiscard]] std::size_t end() const noexcept { return hops_ == 0 ? at_ : end_; }
  /// Bytes of the name so far, uncompressed.
  [[nodiscard]] std::size_t wire_bytes() const noexcept { return wire_bytes_; }
  [[nodiscard]] bool compressed() const noexcept { return hops_ != 0; }

 private:
  Bytes stop(Cause cause) noexcept;
  bool follow(std::uint8_t high) noexcept;

  Bytes message_;
  std::size_t at_;
  std::size_t lowest_;  ///< a pointer has to lead below this
  std::size_t end_ = 0;
  std::size_t wire_bytes_ = 0;
  unsigned hops_ = 0;
  Cause cause_ = Cause::None;
};

/// Offset behind the name at `offset` without following pointers; 0 where the message ends inside it.
[[nodiscard]] std::size_t skip_dns_name(Bytes message, std::size_t offset) noexcept;

/// Most characters that write_dns_name() needs: every byte of every label as \DDD, and the dots.
inline constexpr std::size_t kMaxDnsNameText = DnsLabels::kMaxWireBytes * 4;

/// Writes the name at `offset` of a message as printable text, as in a master file (RFC 1035 5.1): `.` and
/// `\` within a label with a backslash before them, bytes outside 0x21..0x7e as \DDD, lower case, no dot at
/// the end but for the root, which is ".". Characters written; 0 where the name cannot be read or `out` is
/// shorter than kMaxDnsNameText.
std::size_t write_dns_name(Bytes message, std::size_t offset, std::span<char> out) noexcept;

}  // namespace sluice
