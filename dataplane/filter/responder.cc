#include "dataplane/filter/responder.h"

#include <algorithm>

#include "dataplane/reply/http_451.h"
#include "dataplane/reply/tcp_reset.h"

namespace sluice {
namespace {

DnsAnswerKind kind_of(DnsAction action) noexcept {
  switch (action) {
    case DnsAction::Nxdomain: return DnsAnswerKind::Nxdomain;
    case DnsAction::Refused: return DnsAnswerKind::Refused;
    case DnsAction::Sinkhole: return DnsAnswerKind::Sinkhole;
    default: return DnsAnswerKind::Nodata;
  }
}

/// No cache may keep the answer for longer than the order is in force.
std::uint32_t ttl_of(const Policy& policy, const ImageOrder& order, UnixSeconds now) noexcept {
  return static_cast<std::uint32_t>(std::clamp<UnixSeconds>(order.expires - now, 0, policy.dns_ttl_s));
}

DnsAnswerStyle style_of(const Policy& policy, const ImageOrder& order, UnixSeconds now) noexcept {
  return {.kind = kind_of(policy.dns),
          .ttl_s = ttl_of(policy, order, now),
          .sinkhole4 = policy.sinkhole4,
          .sinkhole6 = policy.sinkhole6};
}

DnsAnswerText text_of(const Trigger& trigger) noexcept {
  const ImageOrder& order = *trigger.order;
  return {order.id, order.appeal_url, order.authority, order.reason, trigger.external};
}

}  // namespace

Responder::Responder(const Policy& policy, const PipelineLimits& limits, std::uint64_t seed, WorkerCounters& counters)
    : policy_(policy),
      counters_(counters),
      credit_(limits.credit_prefixes, policy.credit_bytes, policy.credit_bytes_per_s, seed) {}

bool Responder::may_answer(Side from, LinkType link, const PacketView& view) const noexcept {
  return from == Side::Subscriber && link == LinkType::Ethernet && has_way_back(view, policy_.paths) &&
         policy_.is_subscriber(view.src());
}

bool Responder::allowed(const Trigger& trigger) noexcept {
  if (may_answer(trigger.from, trigger.link, *trigger.view)) return true;
  count(has_way_back(*trigger.view, policy_.paths) ? Cause::ReplyNotSubscriber : Cause::ReplyOneWay);
  return false;
}

Reply* Responder::next(const Trigger& trigger, Side out) noexcept {
  if (count_ == replies_.size()) {
    count(Cause::ReplyNoRoom);
    return nullptr;
  }
  Reply& reply = replies_[count_];
  reply.frame = static_cast<std::uint16_t>(trigger.frame);
  reply.out = out;
  return &reply;
}

void Responder::send(Reply& reply, std::size_t length) noexcept {
  reply.len = static_cast<std::uint16_t>(length);
  ++count_;
}

void Responder::saw_query(Side from, LinkType link, const PacketView& view, std::size_t ip_bytes,
                          std::uint64_t now_ns) noexcept {
  if (policy_.mode == Mode::Enforce && may_answer(from, link, view)) credit_.earn(view.src(), ip_bytes, now_ns);
}

void Responder::answer_dns(const Trigger& trigger, const DnsQuery& query, std::size_t question, Now now) noexcept {
  if (policy_.dns == DnsAction::Drop || !allowed(trigger)) return;
  Reply* reply = next(trigger, trigger.from);
  if (reply == nullptr) return;
  const PacketView& view = *trigger.view;
  const std::size_t full = build_dns_answer(view, query, question, style_of(policy_, *trigger.order, now.wall_s),
                                            text_of(trigger), policy_.paths, reply->bytes);
  if (full > 0 && credit_.spend(view.src(), ip_bytes(trigger, Way::Back, full), now.mono_ns)) return send(*reply, full);

  const std::size_t shrunk = build_shrunk_dns_answer(view, query, policy_.paths, reply->bytes);
  const std::size_t bytes = ip_bytes(trigger, Way::Back, shrunk);
  if (shrunk == 0 || bytes > trigger.ip_bytes) return count(Cause::ReplyTooLarge);
  credit_.charge(view.src(), bytes, now.mono_ns);
  count(Cause::ReplyShrunk);
  send(*reply, shrunk);
}

std::size_t Responder::ip_bytes(const Trigger& trigger, Way way, std::size_t length) const noexcept {
  return length == 0 ? 0 : length - link_bytes(*trigger.view, way, policy_.paths);
}

/// Nothing larger than its trigger goes to an address that may be spoofed.
bool Responder::fits(const Trigger& trigger, Way way, std::size_t length) const noexcept {
  return trigger.handshake_seen || ip_bytes(trigger, way, length) <= trigger.ip_bytes;
}

/// `answer` writes the segment that says why, or gives 0; it goes to the client only where its size is allowed.
template <class Answer>
void Responder::end_tcp(const Trigger& trigger, Answer&& answer) noexcept {
  if (allowed(trigger)) {
    if (Reply* reply = next(trigger, trigger.from)) {
      std::size_t length = answer(MutableBytes(reply->bytes));
      if (length == 0 || !fits(trigger, Way::Back, length))
        length = build_reset_to_client(*trigger.view, policy_.paths, reply->bytes);
      length > 0 && fits(trigger, Way::Back, length) ? send(*reply, length) : count(Cause::ReplyTooLarge);
    }
  }
  if (trigger.link != LinkType::Ethernet || !has_way_back(*trigger.view, policy_.paths)) return;
  if (Reply* reply = next(trigger, other(trigger.from))) {
    const std::size_t length = build_reset_to_server(*trigger.view, policy_.paths, reply->bytes);
    if (length > 0 && fits(trigger, Way::Onward, length)) send(*reply, length);
  }
}

void Responder::end_dns(const Trigger& trigger, Bytes message, const DnsQuery& query, std::size_t question,
                        Now now) noexcept {
  if (policy_.dns == DnsAction::Drop) return;
  end_tcp(trigger, [&](MutableBytes out) noexcept -> std::size_t {
    if (!trigger.first || !trigger.handshake_seen || message.empty()) return 0;
    const ImageOrder& order = *trigger.order;
    return build_dns_tcp_answer(*trigger.view, message, query, question, style_of(policy_, order, now.wall_s),
                                text_of(trigger), policy_.paths, out);
  });
}

void Responder::end_tls(const Trigger& trigger) noexcept {
  if (policy_.tls == TcpAction::Drop) return;
  end_tcp(trigger, [&](MutableBytes out) noexcept -> std::size_t {
    return policy_.tls == TcpAction::Alert ? build_tls_alert(*trigger.view, policy_.paths, out) : 0;
  });
}

void Responder::reset(const Trigger& trigger) noexcept {
  end_tcp(trigger, [](MutableBytes) noexcept -> std::size_t { return 0; });
}

void Responder::end_http(const Trigger& trigger) noexcept {
  if (policy_.http == TcpAction::Drop) return;
  end_tcp(trigger, [&](MutableBytes out) noexcept -> std::size_t {
    if (policy_.http != TcpAction::Alert || !trigger.first) return 0;
    const ImageOrder& order = *trigger.order;
    const Http451Text text{policy_.operator_url, order.id,         order.number, order.authority, order.law,
                           order.reason,         order.appeal_url, order.expires};
    return build_http_451(*trigger.view, text, policy_.paths, out);
  });
}

}  // namespace sluice
