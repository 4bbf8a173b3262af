#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/base/bytes.h"
#include "dataplane/dns/query.h"
#include "dataplane/packet/packet_view.h"
#include "dataplane/reply/paths.h"

namespace sluice {

enum class DnsAnswerKind : std::uint8_t {
  Nodata,    ///< NOERROR, no answers, SOA in the authority section (RFC 2308 2.2)
  Nxdomain,  ///< RFC 2308 2.1; a cache extends it to the whole subtree (RFC 8020)
  Refused,   ///< RCODE 5, no records
  Sinkhole,  ///< A or AAAA with a configured address; NODATA for other types and where none is configured
};

/// How blocked names are answered: fixed by policy.
struct DnsAnswerStyle {
  DnsAnswerKind kind = DnsAnswerKind::Nodata;
  std::uint32_t ttl_s = 60;                  ///< of every record, and MINIMUM of the SOA
  std::array<std::uint8_t, 4> sinkhole4{};   ///< all zero: none configured
  std::array<std::uint8_t, 16> sinkhole6{};  ///< all zero: none configured
};

/// What a user is told about the order, in the extended error (RFC 8914). Views are read during the call only.
struct DnsAnswerText {
  std::string_view order_id, appeal_url, authority, reason;
  bool external = true;  ///< 16 Censored: ordered from outside; false: 15 Blocked, the operator's own list
};

/// Largest UDP payload that is announced, and sent (DNS flag day 2020; RFC 9715).
inline constexpr std::uint16_t kDnsUdpBytes = 1232;

/// Builds the whole answer frame to a query in UDP that `parsed` describes; `question` is the index of the question
/// whose name is blocked: the first blocked one where there are several, all of which are copied. Header: id, opcode,
/// RD and CD copied, QR and RA set, AA, AD and TC clear. The question section is copied byte for byte. EDNS only where
/// the query had it (RFC 6891 7): DO echoed, no cookie, one extended error whose text is "ORDER-ID appeal-url", or a
/// JSON object (draft-ietf-dnsop-structured-dns-error 4) where the query asked for it. EDNS versions above 0 are
/// answered as version 0. Never larger than the query allows (512 without EDNS): first the text is cut at a character's
/// border or left out, then the OPT record, then the SOA. Gives the frame's length, or 0 where no answer can be made.
[[nodiscard]] std::size_t build_dns_answer(const PacketView& query, const DnsQuery& parsed, std::size_t question,
                                           const DnsAnswerStyle& style, const DnsAnswerText& text, const Paths& paths,
                                           MutableBytes out) noexcept;

/// The same answer to a query in TCP: two bytes of length (RFC 1035 4.2.2), the message and FIN in one segment to the
/// client (build_last_segment). `message` is the query without its length; `last` the segment that completed it.
/// Not bound to the sizes of UDP; at most 800 bytes.
[[nodiscard]] std::size_t build_dns_tcp_answer(const PacketView& last, Bytes message, const DnsQuery& parsed,
                                               std::size_t question, const DnsAnswerStyle& style,
                                               const DnsAnswerText& text, const Paths& paths,
                                               MutableBytes out) noexcept;

/// The same answer as NOERROR with nothing but the question, and OPT where the query had it: never larger than the
/// query itself.
[[nodiscard]] std::size_t build_shrunk_dns_answer(const PacketView& query, const DnsQuery& parsed, const Paths& paths,
                                                  MutableBytes out) noexcept;

}  // namespace sluice
