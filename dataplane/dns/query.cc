#include "dataplane/dns/query.h"

#include <algorithm>

#include "dataplane/base/cursor.h"
#include "dataplane/dns/name.h"

namespace sluice {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint16_t kResponse = 0x8000, kOpcode = 0x7800, kRecursionDesired = 0x0100, kCheckingDisabled = 0x0010;
constexpr std::uint16_t kTypeSig = 24, kTypeOpt = 41, kTypeTsig = 250;
constexpr std::uint32_t kDnssecOk = 0x8000;  // in the TTL of an OPT record, RFC 6891 6.1.3

/// Reads the name at `offset` as canonical text; moves `offset` behind it.
Cause read_name(Bytes message, std::size_t& offset, DnsQuestion& out) noexcept {
  DnsLabels labels(message, offset);
  char* to = out.name.data();
  bool valid = true;
  for (Bytes label = labels.next(); !label.empty(); label = labels.next()) {
    for (const std::uint8_t byte : label) {
      const char c = kCanonicalByte[byte];
      valid &= c != 0;
      *to++ = c;
    }
    *to++ = '.';
  }
  if (labels.cause() != Cause::None) return labels.cause();
  const auto length = static_cast<std::uint16_t>(to - out.name.data());
  valid &= length > 0;
  out.name_cause = valid ? Cause::None : Cause::NameInvalid;
  out.name.length = valid ? static_cast<std::uint16_t>(length - 1) : std::uint16_t{0};
  out.wire_offset = static_cast<std::uint16_t>(offset);
  out.wire_len = labels.compressed() ? std::uint16_t{0} : static_cast<std::uint16_t>(labels.wire_bytes());
  offset = labels.end();
  return Cause::None;
}

Cause read_question(Bytes message, std::size_t& offset, DnsQuestion& out) noexcept {
  out.name.length = 0;
  if (const Cause cause = read_name(message, offset, out); cause != Cause::None) return cause;
  Cursor fixed(message.subspan(offset));
  out.qtype = fixed.be16();
  out.qclass = fixed.be16();
  offset += 4;
  return fixed.ok() ? Cause::None : Cause::DnsTruncated;
}

struct Record {
  std::uint16_t type = 0, rclass = 0;
  std::uint32_t ttl = 0;
  Bytes data;
};

/// Reads the record at `offset`, without its name; moves `offset` behind it. False at the first error.
bool read_record(Bytes message, std::size_t& offset, Record& out) noexcept {
  offset = skip_dns_name(message, offset);
  if (offset == 0) return false;
  Cursor at(message.subspan(offset));
  out.type = at.be16();
  out.rclass = at.be16();
  out.ttl = at.be32();
  out.data = at.bytes(at.be16());
  offset += at.offset();
  return at.ok();
}

bool has_option(Bytes options, std::uint16_t wanted) noexcept {
  for (Cursor at(options); !at.empty();) {
    const std::uint16_t code = at.be16();
    (void)at.sub16();
    if (at.ok() && code == wanted) return true;
  }
  return false;
}

void read_opt(const Record& opt, std::uint16_t structured_error_option, DnsQuery& out) noexcept {
  out.edns = true;
  out.udp_size = opt.rclass;
  out.edns_version = static_cast<std::uint8_t>(opt.ttl >> 16);
  out.dnssec_ok = (opt.ttl & kDnssecOk) != 0;
  out.wants_structured_error = structured_error_option != 0 && has_option(opt.data, structured_error_option);
}

void read_records(Bytes message, std::uint16_t structured_error_option, DnsQuery& out) noexcept {
  const std::uint8_t* header = message.data();
  const unsigned before_additional = unsigned{load_be16(header + 6)} + load_be16(header + 8);
  const unsigned records = std::min(before_additional + load_be16(header + 10), kMaxRecords);
  std::size_t offset = out.questions_end;
  Record record;
  for (unsigned n = 0; n < records && read_record(message, offset, record); ++n) {
    if (n < before_additional) continue;
    if (record.type == kTypeOpt && !out.edns) read_opt(record, structured_error_option, out);
    // A SIG that covers type 0 signs the message, RFC 2931 3.
    const bool sig0 = record.type == kTypeSig && record.data.size() >= 2 && load_be16(record.data.data()) == 0;
    if (record.type == kTypeTsig || sig0) out.tsig = true;
  }
}

void clear(DnsQuery& out) noexcept {
  out.id = out.flags = out.question_count = out.questions_end = out.udp_size = 0;
  out.edns_version = 0;
  out.recursion_desired = out.checking_disabled = false;
  out.edns = out.dnssec_ok = out.tsig = out.wants_structured_error = false;
}

}  // namespace

Cause parse_dns_query(Bytes message, std::uint16_t structured_error_option, DnsQuery& out) noexcept {
  clear(out);
  message = message.first(std::min<std::size_t>(message.size(), 0xffff));  // offsets are 16 bits wide
  if (message.size() < kHeaderBytes) return Cause::DnsTruncated;
  out.id = load_be16(message.data());
  out.flags = load_be16(message.data() + 2);
  if ((out.flags & (kResponse | kOpcode)) != 0) return Cause::DnsNotQuery;
  out.recursion_desired = (out.flags & kRecursionDesired) != 0;
  out.checking_disabled = (out.flags & kCheckingDisabled) != 0;

  const std::size_t asked = load_be16(message.data() + 4);
  std::size_t offset = kHeaderBytes;
  for (std::size_t n = 0; n < std::min(asked, DnsQuery::kMaxQuestions); ++n) {
    if (const Cause cause = read_question(message, offset, out.questions[n]); cause != Cause::None) return cause;
    ++out.question_count;
    out.questions_end = static_cast<std::uint16_t>(offset);
  }
  if (asked > DnsQuery::kMaxQuestions) return Cause::DnsTooManyQuestions;
  out.questions_end = static_cast<std::uint16_t>(offset);
  read_records(message, structured_error_option, out);
  return Cause::None;
}

}  // namespace sluice
