#pragma once

#include <array>
#include <span>

#include "dataplane/dns/query.h"
#include "dataplane/filter/credit.h"
#include "dataplane/filter/pipeline.h"
#include "dataplane/reply/dns_answer.h"
#include "dataplane/reply/envelope.h"

namespace sluice {

/// A blocked packet, and what is known of it.
struct Trigger {
  std::size_t frame;  ///< index in the burst
  Side from;
  LinkType link;
  const PacketView* view;  ///< of the whole datagram, where the frame is a fragment
  std::size_t ip_bytes;    ///< of the frame itself: what an answer is measured against
  const ImageOrder* order;
  bool external;        ///< the order's feed is not the operator's own
  bool handshake_seen;  ///< TCP: in full
  bool first;           ///< TCP: no response can be outstanding
};

/// Builds the replies of a burst, and keeps them from becoming a weapon: whom they may go to, and how large they may
/// be.
class Responder {
 public:
  Responder(const Policy& policy, const PipelineLimits& limits, std::uint64_t seed, WorkerCounters& counters);

  void begin_burst() noexcept { count_ = 0; }
  [[nodiscard]] std::span<const Reply> replies() const noexcept { return {replies_.data(), count_}; }

  /// A DNS query that came from where answers may go: its bytes may be answered later.
  void saw_query(Side from, LinkType link, const PacketView& view, std::size_t ip_bytes, std::uint64_t now_ns) noexcept;

  void answer_dns(const Trigger& trigger, const DnsQuery& query, std::size_t question, Now now) noexcept;
  /// DNS in TCP; `message` is the first of its stream, and empty where it cannot be answered.
  void end_dns(const Trigger& trigger, Bytes message, const DnsQuery& query, std::size_t question, Now now) noexcept;
  void end_tls(const Trigger& trigger) noexcept;
  void end_http(const Trigger& trigger) noexcept;
  /// A connection that goes on though it was ended (mirror mode): RST to both ends. Needs no Trigger::order.
  void reset(const Trigger& trigger) noexcept;

 private:
  [[nodiscard]] bool may_answer(Side from, LinkType link, const PacketView& view) const noexcept;
  /// As may_answer(), and counts why not.
  [[nodiscard]] bool allowed(const Trigger& trigger) noexcept;
  [[nodiscard]] Reply* next(const Trigger& trigger, Side out) noexcept;
  /// Of a reply of `length` bytes: what its IP packet has.
  [[nodiscard]] std::size_t ip_bytes(const Trigger& trigger, Way way, std::size_t length) const noexcept;
  [[nodiscard]] bool fits(const Trigger& trigger, Way way, std::size_t length) const noexcept;
  void send(Reply& reply, std::size_t length) noexcept;
  template <class Answer>
  void end_tcp(const Trigger& trigger, Answer&& answer) noexcept;
  void count(Cause cause) noexcept { add(counters_.causes[static_cast<std::size_t>(cause)]); }

  const Policy& policy_;
  WorkerCounters& counters_;
  ReplyCredit credit_;
  std::array<Reply, kMaxRepliesPerBurst> replies_;
  std::size_t count_ = 0;
};

}  // namespace sluice
