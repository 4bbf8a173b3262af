#include "dataplane/reply/dns_answer.h"

#include <algorithm>
#include <array>

#include "dataplane/reply/envelope.h"
#include "dataplane/reply/message_writer.h"
#include "dataplane/reply/tcp_reset.h"

namespace sluice {
namespace {

constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kDnsHeader = 12;
constexpr std::size_t kPlainUdpBytes = 512;  // RFC 1035 4.2.1
constexpr std::size_t kMaxTcpAnswer = 800;   // one segment, and no fragment, wherever it goes
constexpr std::uint16_t kTypeA = 1, kTypeSoa = 6, kTypeAaaa = 28, kTypeOpt = 41;
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kOptionExtendedError = 15;              // RFC 8914 2
constexpr std::uint16_t kInfoBlocked = 15, kInfoCensored = 16;  // RFC 8914 4.16, 4.17
constexpr std::uint8_t kNoError = 0, kNxdomain = 3, kRefused = 5;
constexpr std::size_t kOptFixed = 11;       // root name, type, class, ttl, length
constexpr std::size_t kErrorFixed = 4 + 2;  // option code and length, info code

bool all_zero(Bytes bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

/// The record a sinkhole answers with: its type, or 0 where the question is answered with NODATA.
Bytes sinkhole_address(const DnsAnswerStyle& style, std::uint16_t qtype) noexcept {
  Bytes address;
  if (qtype == kTypeA) address = style.sinkhole4;
  if (qtype == kTypeAaaa) address = style.sinkhole6;
  return all_zero(address) ? Bytes{} : address;
}

std::uint8_t rcode_of(DnsAnswerKind kind) noexcept {
  switch (kind) {
    case DnsAnswerKind::Nxdomain: return kNxdomain;
    case DnsAnswerKind::Refused: return kRefused;
    default: return kNoError;
  }
}

/// Bytes of UTF-8 text that fit, cut before a character that does not (RFC 3629 3).
std::string_view cut_utf8(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<std::uint8_t>(text[limit]) & 0xc0) == 0x80) --limit;
  return text.substr(0, limit);
}

void header_and_questions(MessageWriter& w, const DnsQuery& parsed, Bytes message, std::uint8_t rcode) noexcept {
  const unsigned copied = parsed.flags & 0x7910U;  // opcode, RD, CD
  w.be16(parsed.id);
  w.be16(static_cast<std::uint16_t>(0x8080U | copied | rcode));  // QR, RA
  w.be16(parsed.question_count);
  for (int section = 0; section < 3; ++section) w.be16(0);
  w.bytes(message.subspan(kDnsHeader, parsed.questions_end - kDnsHeader));
}

void record_head(MessageWriter& w, std::uint16_t name_at, std::uint16_t type, std::uint32_t ttl,
                 std::size_t length) noexcept {
  w.be16(static_cast<std::uint16_t>(0xc000U | name_at));
  w.be16(type);
  w.be16(kClassIn);
  w.be32(ttl);
  w.be16(static_cast<std::uint16_t>(length));
}

void soa(MessageWriter& w, std::uint16_t name_at, std::uint32_t ttl) noexcept {
  record_head(w, name_at, kTypeSoa, ttl, 1 + 1 + 5 * 4);
  w.u8(0);        // MNAME: the root
  w.u8(0);        // RNAME
  w.be32(1);      // SERIAL
  w.be32(3600);   // REFRESH
  w.be32(600);    // RETRY
  w.be32(86400);  // EXPIRE
  w.be32(ttl);    // MINIMUM: RFC 2308 4
}

void json_string(MessageWriter& w, std::string_view text) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  w.u8('"');
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20) {
      w.text("\\u00");
      w.u8(static_cast<std::uint8_t>(kHex[byte >> 4]));
      w.u8(static_cast<std::uint8_t>(kHex[byte & 15]));
      continue;
    }
    if (c == '"' || c == '\\') w.u8('\\');
    w.u8(byte);
  }
  w.u8('"');
}

/// c: contact, j: justification, o: organisation (draft-ietf-dnsop-structured-dns-error 4). "l" is left out: the image
/// does not say in which language its reason is.
bool structured_text(MessageWriter& w, const DnsAnswerText& text, bool with_reason) noexcept {
  w.text("{\"c\":[");
  if (!text.appeal_url.empty()) json_string(w, text.appeal_url);
  w.text("],\"j\":");
  if (with_reason) {
    json_string(w, text.reason);
  } else {
    json_string(w, text.order_id);
  }
  w.text(",\"o\":");
  json_string(w, text.authority);
  w.u8('}');
  return w.ok();
}

/// Extra text at the writer's end: whole, cut, or none. A JSON object is never cut.
void extra_text(MessageWriter& w, const DnsQuery& parsed, const DnsAnswerText& text) noexcept {
  const std::size_t start = w.size();
  if (parsed.wants_structured_error) {
    if (structured_text(w, text, true)) return;
    w.rewind(start);
    if (structured_text(w, text, false)) return;
    w.rewind(start);
    return;
  }
  w.text(cut_utf8(text.order_id, w.left()));
  if (text.appeal_url.empty() || w.left() < 2) return;
  w.u8(' ');
  w.text(cut_utf8(text.appeal_url, w.left()));
}

/// The OPT record, with an extended error where `text` is given and fits. False: no room for the record.
bool opt(MessageWriter& w, const DnsQuery& parsed, const DnsAnswerText* text) noexcept {
  if (w.left() < kOptFixed) return false;
  w.u8(0);
  w.be16(kTypeOpt);
  w.be16(kDnsUdpBytes);
  w.be32(parsed.dnssec_ok ? 0x8000U : 0U);  // extended RCODE 0, version 0, DO
  const std::size_t length_at = w.size();
  w.be16(0);
  if (text == nullptr || w.left() < kErrorFixed) return true;
  w.be16(kOptionExtendedError);
  w.be16(0);
  w.be16(text->external ? kInfoCensored : kInfoBlocked);
  extra_text(w, parsed, *text);
  const std::size_t rdata = w.size() - length_at - 2;
  store_be16(w.data() + length_at, static_cast<std::uint16_t>(rdata));
  store_be16(w.data() + length_at + 4, static_cast<std::uint16_t>(rdata - 4));
  return true;
}

void count_record(MessageWriter& w, std::size_t section) noexcept {
  store_be16(w.data() + 4 + 2 * section, 1);
}

constexpr std::size_t kAnswer = 1, kAuthority = 2, kAdditional = 3;

std::size_t message_limit(const DnsQuery& parsed, std::size_t room) noexcept {
  std::size_t limit = kPlainUdpBytes;
  if (parsed.edns) limit = std::clamp<std::size_t>(parsed.udp_size, kPlainUdpBytes, kDnsUdpBytes);
  return std::min(limit, room - kUdpHeader);
}

void answer_section(MessageWriter& w, const DnsQuery& parsed, std::size_t question,
                    const DnsAnswerStyle& style) noexcept {
  const DnsQuestion& asked = parsed.questions[question];
  const std::size_t start = w.size();
  if (style.kind == DnsAnswerKind::Refused) return;
  if (style.kind == DnsAnswerKind::Sinkhole) {
    const Bytes address = sinkhole_address(style, asked.qtype);
    if (!address.empty()) {
      record_head(w, asked.wire_offset, asked.qtype, style.ttl_s, address.size());
      w.bytes(address);
      w.ok() ? count_record(w, kAnswer) : w.rewind(start);
      return;
    }
  }
  soa(w, asked.wire_offset, style.ttl_s);
  w.ok() ? count_record(w, kAuthority) : w.rewind(start);
}

bool readable(Bytes message, const DnsQuery& parsed) noexcept {
  return parsed.questions_end >= kDnsHeader && parsed.questions_end <= message.size();
}

/// False where there is no room for the questions.
bool whole_answer(MessageWriter& w, Bytes message, const DnsQuery& parsed, std::size_t question,
                  const DnsAnswerStyle& style, const DnsAnswerText& text) noexcept {
  header_and_questions(w, parsed, message, rcode_of(style.kind));
  if (!w.ok()) return false;
  answer_section(w, parsed, question, style);
  if (parsed.edns && opt(w, parsed, &text)) count_record(w, kAdditional);
  return true;
}

}  // namespace

std::size_t build_dns_answer(const PacketView& query, const DnsQuery& parsed, std::size_t question,
                             const DnsAnswerStyle& style, const DnsAnswerText& text, const Paths& paths,
                             MutableBytes out) noexcept {
  Envelope envelope(query, Way::Back, paths, out);
  const Bytes message = query.payload_bytes();
  if (!envelope.ok() || envelope.room() < kUdpHeader || !readable(message, parsed)) return 0;
  MessageWriter w(envelope.l4() + kUdpHeader, message_limit(parsed, envelope.room()));
  if (!whole_answer(w, message, parsed, question, style, text)) return 0;
  return envelope.finish_udp(kUdpHeader + w.size());
}

std::size_t build_dns_tcp_answer(const PacketView& last, Bytes message, const DnsQuery& parsed, std::size_t question,
                                 const DnsAnswerStyle& style, const DnsAnswerText& text, const Paths& paths,
                                 MutableBytes out) noexcept {
  constexpr std::size_t kLength = 2;
  if (!readable(message, parsed)) return 0;
  std::array<std::uint8_t, kMaxTcpAnswer> bytes;
  MessageWriter w(bytes.data() + kLength, bytes.size() - kLength);
  if (!whole_answer(w, message, parsed, question, style, text)) return 0;
  store_be16(bytes.data(), static_cast<std::uint16_t>(w.size()));
  return build_last_segment(last, {bytes.data(), kLength + w.size()}, paths, out);
}

std::size_t build_shrunk_dns_answer(const PacketView& query, const DnsQuery& parsed, const Paths& paths,
                                    MutableBytes out) noexcept {
  Envelope envelope(query, Way::Back, paths, out);
  if (!envelope.ok() || envelope.room() < kUdpHeader || !readable(query.payload_bytes(), parsed)) return 0;
  const std::size_t limit = std::min<std::size_t>(message_limit(parsed, envelope.room()), query.payload_len);
  MessageWriter w(envelope.l4() + kUdpHeader, limit);
  header_and_questions(w, parsed, query.payload_bytes(), kNoError);
  if (!w.ok()) return 0;
  if (parsed.edns && opt(w, parsed, nullptr)) count_record(w, kAdditional);
  return envelope.finish_udp(kUdpHeader + w.size());
}

}  // namespace sluice
