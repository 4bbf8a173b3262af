#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/filter/found_names.h"
#include "dataplane/filter/policy.h"
#include "dataplane/filter/stream_message.h"
#include "dataplane/flow/flow_key.h"
#include "dataplane/flow/given.h"
#include "dataplane/flow/half.h"
#include "dataplane/flow/young.h"
#include "dataplane/packet/packet_view.h"

namespace sluice {

/// Reads names in clients' TCP streams, each once however the stream is cut, ordered, repeated or overlapped (the first
/// copy of a byte wins; but a message whole in one segment is read by itself, whatever was kept for its place):
///
/// - TLS on any port: the ClientHello that a stream begins with, or that follows STARTTLS (asks_for_tls), the head of a
///   CONNECT or any other whole message; and whatever else looks like one within 64 KiB of the stream's start, once it
///   is known to be TLS. It is read as it comes, and may itself be as long as that.
/// - HTTP on any port: the request that a stream begins with, those that follow it (told by Content-Length), and those
///   that a segment begins with. A head is read up to 16 KiB.
/// - DNS to the ports of the policy: every message (RFC 7766), in the order of the stream.
///
/// Where a stream's start was not seen, the segment that is seen first is read as a beginning where it looks like one,
/// unless Limits::read_unstarted says no: Cause::NoStartSeen then. Where it does not, and in a stream that began
/// otherwise, bytes that look like a ClientHello are an upload's, until the client asks for TLS; what is read there are
/// requests that a segment begins with (start not seen) and the stream's start, sent again (start seen).
class TcpNames {
 public:
  struct Limits {
    std::uint32_t young_flows;
    std::uint32_t given_names;
    HalfRead::Limits half;
    bool read_unstarted = true;
    DnsPorts dns_ports{};                       ///< as in Policy
    std::uint16_t structured_error_option = 0;  ///< as in Policy
  };
  struct Read {
    Cause cause = Cause::None;    ///< why nothing was read, or what is in the way
    bool handshake_seen = false;  ///< in full, both ways, and this segment belongs to it: the client is who it says
    Bytes first_query;            ///< DNS: the message, where it is the first of its stream; until the next call
  };

  explicit TcpNames(const Limits& limits);

  /// A client's SYN. YoungTableFull or None.
  Cause start(const FlowKey& key, std::uint64_t hash, const PacketView& view, std::uint32_t now_s) noexcept;
  /// A server's SYN and ACK; `hash` is that of the client's direction.
  void answer(std::uint64_t hash, const PacketView& view, std::uint32_t now_s) noexcept;
  /// A client's segment with payload: adds its names to `out`, as those of `frame`.
  [[nodiscard]] Read read(const FlowKey& key, std::uint64_t hash, const PacketView& view, std::uint32_t now_s,
                          std::size_t frame, FoundNames& out) noexcept;

  void prefetch(std::uint64_t hash) const noexcept { young_.prefetch(hash); }
  /// Streams of which parts are kept.
  [[nodiscard]] const HalfRead& half() const noexcept { return half_; }

 private:
  struct Segment {
    const FlowKey& key;
    std::uint64_t hash;
    std::uint32_t seq;  ///< of the first payload byte
    Bytes payload;
    std::uint32_t now_s;
    bool dns_port;
    YoungFlows::Flow* young;  ///< null: nothing is known of the stream
    bool foreign;             ///< far from the stream whose SYN was seen: nothing is remembered of it
    std::size_t frame;
    FoundNames& out;
    Read result;
  };
  /// Where a walk over messages ended.
  struct Walked {
    std::size_t used = 0;    ///< bytes of messages that were read; may lie beyond the bytes that were there
    bool more = false;       ///< a message has begun there and goes on
    std::size_t passed = 0;  ///< bytes of that message that were read for good
  };
  /// A ClientHello of which only what is behind its read part is kept.
  struct HalfHello {
    bool begun = false;
    std::uint32_t start = 0;  ///< sequence number of its first byte
    HelloProgress progress;
  };

  void follow(Segment& s) noexcept;
  void skip_ahead(Segment& s) noexcept;
  void after_hello(Segment& s) noexcept;
  void after_other(Segment& s) noexcept;
  void after_join(Segment& s) noexcept;
  void begin(Segment& s) noexcept;
  void join(Segment& s) noexcept;
  void go_on(Segment& s, std::uint32_t handle) noexcept;

  void read_from(Segment& s, Bytes bytes, std::uint32_t position) noexcept;
  Walked walk(Segment& s, Bytes bytes, std::uint32_t position) noexcept;
  bool walk_kept(Segment& s, std::uint32_t handle) noexcept;
  bool walk_hello(Segment& s, std::uint32_t handle, Bytes head) noexcept;
  [[nodiscard]] bool begins_anew(const Segment& s, std::uint32_t handle) noexcept;
  Protocol alone(Segment& s) noexcept;
  std::uint32_t keep(Segment& s, std::uint32_t base, std::uint32_t seq, Bytes bytes) noexcept;
  void lose(Segment& s) noexcept;
  void note(Segment& s, const StreamMessage& message, std::uint32_t position, Bytes bytes) noexcept;
  void set(Segment& s, YoungFlows::State state, std::uint32_t position) noexcept;
  void give(Segment& s, const StreamMessage& message, std::uint32_t position) noexcept;
  void give_queries(Segment& s, std::uint32_t position) noexcept;
  void add(Segment& s, Method method, const WireName& name, std::uint32_t position, std::uint16_t qtype,
           const FoundNames::Meta& meta) noexcept;

  YoungFlows young_;
  HalfRead half_;
  std::vector<HalfHello> hellos_;  ///< by handle of half_
  GivenNames given_;
  StreamReader reader_;
  const bool read_unstarted_;
  const DnsPorts dns_ports_;
  const std::uint16_t structured_error_option_;
};

}  // namespace sluice
