#include "dataplane/tls/handshake_reader.h"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kMajorVersion = 3;         // SSL 3.0 to TLS 1.3
constexpr std::size_t kMaxRecordBytes = 1 << 14;  // RFC 8446 5.1
constexpr std::size_t kRecordHeaderBytes = 5;

}  // namespace

HandshakeReader::HandshakeReader(Bytes input, Framing framing, const HandshakePlace& place) noexcept
    : input_(input),
      in_record_(framing == Framing::None ? kLongest : place.in_record),
      position_(place.position),
      first_record_(place.first_record) {}

/// A record header is judged as far as it is there, so that what is no TLS is told from its first byte.
bool HandshakeReader::next_record() noexcept {
  const Bytes header = input_.subspan(at_, std::min(kRecordHeaderBytes, input_.size() - at_));
  const bool foreign =
      (!header.empty() && header[0] != kHandshakeRecord) || (header.size() > 1 && header[1] != kMajorVersion);
  if (foreign) return fail(first_record_ ? Cause::TlsNotHello : Cause::TlsBadRecord), false;
  if (header.size() < kRecordHeaderBytes) return fail(Cause::TlsIncomplete), false;
  const std::size_t length = load_be16(header.data() + 3);
  if (length == 0 || length > kMaxRecordBytes) return fail(Cause::TlsBadRecord), false;
  first_record_ = false;
  at_ += kRecordHeaderBytes;
  in_record_ = length;
  return true;
}

void HandshakeReader::take(std::uint32_t n, char* to) noexcept {
  if (n > left()) return fail(Cause::TlsBadHandshake);
  while (n > 0) {
    if (in_record_ == 0 && !next_record()) return;
    const std::size_t here = std::min({std::size_t{n}, in_record_, input_.size() - at_});
    if (here == 0) return fail(Cause::TlsIncomplete);
    if (to != nullptr) {
      std::memcpy(to, input_.data() + at_, here);
      to += here;
    }
    advance(static_cast<std::uint32_t>(here));
    n -= static_cast<std::uint32_t>(here);
  }
}

std::uint32_t HandshakeReader::number_across_records(unsigned bytes) noexcept {
  std::array<char, 4> be{};
  take(bytes, be.data() + (4 - bytes));
  if (!ok()) return 0;
  std::uint32_t value;
  std::memcpy(&value, be.data(), sizeof value);
  return __builtin_bswap32(value);
}

}  // namespace sluice
