#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/bytes.h"
#include "dataplane/base/wire_name.h"

namespace sluice {

struct DnsQuestion {
  WireName name;                   ///< canonical text; empty where name_cause is not None
  Cause name_cause = Cause::None;  ///< None, or NameInvalid: the root, or a byte outside [A-Za-z0-9_-] in a label
  std::uint16_t qtype = 0, qclass = 0;
  std::uint16_t wire_offset = 0;  ///< of the name in the message, as the client wrote it (0x20 case included)
  std::uint16_t wire_len = 0;     ///< bytes of the name there, root included; 0 where it is compressed
};

/// What a DNS query asks. Only the fields set by parse_dns_query() are meaningful; questions beyond
/// question_count are not initialised.
struct DnsQuery {
  static constexpr std::size_t kMaxQuestions = 4;

  std::uint16_t id = 0, flags = 0;  ///< as on the wire (RFC 1035 4.1.1)
  bool recursion_desired = false, checking_disabled = false;
  std::uint16_t question_count = 0;
  std::uint16_t questions_end = 0;  ///< offset in the message behind the question section

  bool edns = false;           ///< an OPT record (RFC 6891) stands in the additional section
  std::uint16_t udp_size = 0;  ///< as the client wrote it; 0 without EDNS
  std::uint8_t edns_version = 0;
  bool dnssec_ok = false;
  bool tsig = false;                    ///< TSIG (RFC 8945) or SIG(0) (RFC 2931)
  bool wants_structured_error = false;  ///< the OPT record carries the given option

  std::array<DnsQuestion, kMaxQuestions> questions;
};

/// Reads a DNS message that came over UDP (over TCP: without its two length bytes). `structured_error_option`
/// is the EDNS code point of structured DNS errors, 0 for none.
///
/// None: question_count questions were read (0 is possible: RFC 7873 5.4). DnsTruncated, DnsBadLabel,
/// DnsBadPointer, DnsNameTooLong: header or question section is not readable. DnsNotQuery: QR is set or the
/// opcode is not QUERY. DnsTooManyQuestions: more than kMaxQuestions, of which the first ones were read. `id`
/// and `flags` are valid whenever there are 12 bytes.
///
/// The sections behind the questions are walked for OPT, TSIG and SIG(0) only. They are no reason to refuse a
/// question that a lenient server would answer: the walk ends at the first error, or after kMaxRecords
/// records, with the flags as far as they are known. Trailing bytes are ignored.
[[nodiscard]] Cause parse_dns_query(Bytes message, std::uint16_t structured_error_option, DnsQuery& out) noexcept;

/// Most resource records of a query that are walked in search of OPT and TSIG.
inline constexpr unsigned kMaxRecords = 64;

}  // namespace sluice
