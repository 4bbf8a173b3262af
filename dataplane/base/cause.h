#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// Every reason why a packet was not simply read and forwarded. One list serves as parse error, as index of a counter
// and as row of the policy table (fail-open by default). X(Enumerator, "name-in-status", default row, "what happened").
// Forward: the packet goes on; Drop: it does not. Forwarded, Dropped: the same, but not a choice (the row only counts).
#define SLUICE_CAUSES(X)                                                                                        \
  X(None, "none", Forwarded, "nothing to report")                                                               \
  /* packet/ */                                                                                                 \
  X(NotIp, "not-ip", Forwarded, "no IPv4 or IPv6 header: ARP, PPPoE control, LLDP and the like")                \
  X(NoPorts, "no-ports", Forwarded, "IP, but neither TCP nor UDP")                                              \
  X(EtherTruncated, "ether-truncated", Forward, "frame ends inside its Ethernet header or tags")                \
  X(TooDeep, "too-deep", Forward, "more tags, labels, tunnels or extension headers than are followed")          \
  X(EncapBad, "encap-bad", Forward, "malformed PPPoE, MPLS, GRE, VXLAN, Geneve, GTP-U or Teredo header")        \
  X(IpTruncated, "ip-truncated", Forward, "frame ends inside its IP header or extension headers")               \
  X(IpBadVersion, "ip-bad-version", Forward, "version field and EtherType disagree")                            \
  X(IpBadLength, "ip-bad-length", Forward, "header or total length impossible")                                 \
  X(Fragment, "fragment", Forward, "a fragment whose datagram is not complete")                                 \
  X(FragmentOverlap, "fragment-overlap", Forward, "fragments that overlap")                                     \
  X(L4Truncated, "l4-truncated", Forward, "IP payload ends inside the TCP or UDP header")                       \
  X(L4BadLength, "l4-bad-length", Forward, "TCP data offset or UDP length impossible")                          \
  /* dns/ */                                                                                                    \
  X(DnsTruncated, "dns-truncated", Forward, "DNS message ends inside a field")                                  \
  X(DnsNotQuery, "dns-not-query", Forwarded, "response, or an opcode other than QUERY")                         \
  X(DnsBadLabel, "dns-bad-label", Forward, "label type 0x40 or 0x80")                                           \
  X(DnsBadPointer, "dns-bad-pointer", Forward, "compression pointer not strictly backward, or too many hops")   \
  X(DnsNameTooLong, "dns-name-too-long", Forward, "name over 255 bytes on the wire")                            \
  X(DnsTooManyQuestions, "dns-too-many-questions", Forward, "more questions than are read")                     \
  X(DnsIncomplete, "dns-incomplete", Forward, "DNS message over TCP goes on in a later segment")                \
  X(DnsNoRecursion, "dns-rd-clear", Forward, "blocked name in a query with RD=0 (resolver to authority)")       \
  X(DnsTsig, "dns-tsig", Forward, "blocked name in a query signed with TSIG or SIG(0)")                         \
  /* tls/ */                                                                                                    \
  X(TlsIncomplete, "tls-incomplete", Forward, "ClientHello goes on in a later segment")                         \
  X(TlsNotHello, "tls-not-hello", Forwarded, "no ClientHello at the start of the stream")                       \
  X(TlsBadRecord, "tls-bad-record", Forward, "record type, version or length impossible")                       \
  X(TlsBadHandshake, "tls-bad-handshake", Forward, "ClientHello whose lengths do not nest")                     \
  X(TlsNoSni, "tls-no-sni", Forward, "ClientHello without a server name")                                       \
  X(TlsBadSni, "tls-bad-sni", Forward, "malformed server_name extension")                                       \
  X(TlsTooLong, "tls-too-long", Forward, "ClientHello beyond what is kept of it")                               \
  /* quic/ */                                                                                                   \
  X(QuicNotInitial, "quic-not-initial", Forwarded, "a long header, but not a client's Initial")                 \
  X(QuicBadHeader, "quic-bad-header", Forward, "long header whose lengths do not fit")                          \
  X(QuicVersion, "quic-version", Forward, "a version that is not spoken here")                                  \
  X(QuicNoKeys, "quic-no-keys", Forward, "Initial that the keys of its connection do not open")                 \
  X(QuicBadFrame, "quic-bad-frame", Forward, "malformed or forbidden frame in an Initial")                      \
  X(QuicIncomplete, "quic-incomplete", Forward, "ClientHello goes on in a later Initial")                       \
  /* http/ */                                                                                                   \
  X(HttpIncomplete, "http-incomplete", Forward, "request head goes on in a later segment")                      \
  X(HttpNotRequest, "http-not-request", Forwarded, "no request line at the start of the segment")               \
  X(HttpBadRequest, "http-bad-request", Forward, "request head that is not HTTP/1")                             \
  X(HttpTooLong, "http-too-long", Forward, "request head over 16 KiB")                                          \
  X(HttpNoHost, "http-no-host", Forward, "request without a host")                                              \
  /* names */                                                                                                   \
  X(NameInvalid, "name-invalid", Forward, "a name that no rule could mean: bad bytes, empty label, too long")   \
  X(NameIsAddress, "name-is-address", Forwarded, "an IP literal where a name was expected")                     \
  X(NamesOverflow, "names-overflow", Forward, "more names in a burst than are looked up")                       \
  /* flow/ */                                                                                                   \
  X(NoStartSeen, "no-start-seen", Forward, "stream joined in the middle")                                       \
  X(YoungTableFull, "young-table-full", Forward, "no room to remember a new connection")                        \
  X(HalfTableFull, "half-table-full", Forward, "no room to keep a half-read handshake")                         \
  X(BlockedTableFull, "blocked-table-full", Dropped, "no room for a tombstone: the answer stands alone")        \
  X(Tombstone, "tombstone", Dropped, "later packet of a blocked flow: dropped, as a copy: reset again")         \
  /* filter/ and reply/ */                                                                                      \
  X(NoImage, "no-image", Forward, "no rule image is loaded")                                                    \
  X(ReplyNotSubscriber, "reply-not-subscriber", Dropped, "source outside the subscriber prefixes: no answer")   \
  X(ReplyShrunk, "reply-shrunk", Dropped, "answer cut to the size of the query: no credit left")                \
  X(ReplyTooLarge, "reply-too-large", Dropped, "answer would outweigh its trigger: not sent")                   \
  X(ReplyNoRoom, "reply-no-room", Dropped, "no buffer for an answer: the packet is dropped all the same")       \
  X(ReplyOneWay, "reply-one-way", Dropped, "encapsulation without a known way back: dropped without an answer") \
  X(MirrorQuic, "mirror-quic", Forwarded, "blocked name over QUIC in a copy: mirror mode cannot stop it")       \
  /* engine/ */                                                                                                 \
  X(TxFull, "tx-full", Dropped, "transmit ring full: packet lost")                                              \
  X(Overload, "overload", Forwarded, "more traffic than the worker carries: forwarded unread")                  \
  X(TooManySegments, "too-many-segments", Forward, "frame in more buffers than are read")

enum class Row : std::uint8_t { Forward, Drop, Forwarded, Dropped };

/// Is the row the operator's to change?
[[nodiscard]] constexpr bool is_choice(Row row) noexcept {
  return row == Row::Forward || row == Row::Drop;
}

/// As `status` says it.
[[nodiscard]] constexpr std::string_view to_string(Row row) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"forward", "drop", "always-forward", "always-drop"};
  return static_cast<std::size_t>(row) < kNames.size() ? kNames[static_cast<std::size_t>(row)] : "unknown";
}

// NOLINTBEGIN(bugprone-macro-parentheses)
enum class Cause : std::uint8_t {
#define X(id, name, row, text) id,  ///< text
  SLUICE_CAUSES(X)
#undef X
};

inline constexpr std::size_t kCauseCount = 0
#define X(id, name, row, text) +1
    SLUICE_CAUSES(X)
#undef X
    ;

struct CauseInfo {
  std::string_view name;  ///< as printed by status and accepted by --row
  Row row;                ///< default row of the policy table
  std::string_view text;  ///< one line for people
};

inline constexpr std::array<CauseInfo, kCauseCount> kCauses{{
#define X(id, name, row, text) {name, Row::row, text},
    SLUICE_CAUSES(X)
#undef X
}};
// NOLINTEND(bugprone-macro-parentheses)

[[nodiscard]] constexpr const CauseInfo& info(Cause cause) noexcept {
  return kCauses[static_cast<std::size_t>(cause)];
}

/// What a parser of wire bytes returns instead of a value.
using ParseError = Cause;

}  // namespace sluice
