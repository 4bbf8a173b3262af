#include "dataplane/filter/pipeline.h"

#include <algorithm>
#include <vector>

#include "dataplane/dns/query.h"
#include "dataplane/filter/found_names.h"
#include "dataplane/filter/responder.h"
#include "dataplane/filter/tcp_names.h"
#include "dataplane/flow/blocked.h"
#include "dataplane/packet/fragments.h"
#include "dataplane/packet/parse.h"
#include "dataplane/quic/connection.h"
#include "dataplane/quic/initial.h"
#include "dataplane/reply/envelope.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxAnsweredQuery = 512;  ///< of queries in TCP: larger ones are reset
constexpr std::size_t kPrefetchFrames = 4;  ///< how far ahead of the parser the second cache line of a frame is fetched

// Each table hashes with its own seed.
constexpr std::uint64_t kFlowSeed = 0x243f6a8885a308d3, kCreditSeed = 0x13198a2e03707344,
                        kQuicSeed = 0xa4093822299f31d0, kFragmentSeed = 0x082efa98ec4e6c89;

bool is_syn(const PacketView& view) noexcept {
  return view.proto == IpProto::Tcp && (view.tcp_flags & (kSyn | kAck)) == kSyn;
}
bool is_syn_ack(const PacketView& view) noexcept {
  return view.proto == IpProto::Tcp && (view.tcp_flags & (kSyn | kAck)) == (kSyn | kAck);
}

}  // namespace

struct Pipeline::State {
  /// What the stages know of one frame.
  struct Packet {
    FlowKey key;  ///< client → server
    std::uint64_t hash;
    Cause cause;  ///< why nothing was read, or what was in the way
    Side from;
    bool has_ports, has_key;
    bool again;               ///< a datagram of fragments that was read before
    bool is_query;            ///< a DNS query was read
    bool fallen;              ///< dropped by a tombstone
    QuicReader::Handle quic;  ///< connection of a QUIC Initial that was opened
    bool handshake_seen;
    std::uint16_t query_bytes;  ///< of first_queries
    std::uint16_t first_name, names;
    std::uint32_t ip_bytes;  ///< of the frame that came, also where it completes a larger datagram
  };

  State(const Policy& p, const PipelineLimits& limits, std::uint64_t seed, WorkerCounters& c, unsigned w)
      : policy(p),
        counters(c),
        worker(w),
        flow_seed(seed ^ kFlowSeed),
        blocked(limits.blocked_flows),
        tcp({.young_flows = limits.young_flows,
             .given_names = limits.given_names,
             .half = {limits.half_flows, limits.half_bytes_per_flow, limits.half_bytes_total},
             .read_unstarted = p.read_unstarted,
             .dns_ports = p.dns_ports,
             .structured_error_option = p.structured_error_option}),
        fragments({.datagrams = limits.fragment_datagrams}, seed ^ kFragmentSeed),
        joined(kMaxBurst * fragments.buffer_bytes()),
        quic({.connections = limits.quic_connections, .half_read = limits.quic_half_read}, seed ^ kQuicSeed),
        responder(p, limits, seed ^ kCreditSeed, c) {}

  // The stages, in the order they run in.
  void parse(std::span<const Frame> burst) noexcept;
  void find_flows() noexcept;
  void check_tombstones() noexcept;
  void read_names() noexcept;
  void look_up(const RuleSet& rules) noexcept;
  void judge(std::span<const Frame> burst, const ActiveRules& active) noexcept;

  [[nodiscard]] bool is_read(std::size_t i) const noexcept {
    return policy.read_both_sides || packets[i].from == Side::Subscriber;
  }
  [[nodiscard]] Side side_of(const PacketView& view) const noexcept;
  bool join(std::size_t i) noexcept;
  void make_key(std::size_t i) noexcept;
  [[nodiscard]] bool under_tombstone(std::size_t i) noexcept;
  [[nodiscard]] bool falls(std::size_t i, const FlowKey& key, std::uint64_t hash, Sender sender) noexcept;
  void read_dns(std::size_t i) noexcept;
  void read_tcp(std::size_t i) noexcept;
  void read_quic(std::size_t i) noexcept;
  void drop(std::size_t i) noexcept;
  void fall(std::size_t i, const Frame& frame) noexcept;
  void pass(std::size_t i, Cause cause) noexcept;
  /// Index of the first blocked name of a frame, or names.size(). Sets the cause where one is blocked but spared.
  [[nodiscard]] std::size_t blocked_name(std::size_t i) noexcept;
  /// The same of a frame that is not blocked, for names that are in shadow.
  [[nodiscard]] std::size_t shadowed_name(std::size_t i) noexcept;
  void block(std::size_t i, const Frame& frame, std::size_t name, const ActiveRules& active) noexcept;
  void observe(std::size_t i, std::size_t name, const ActiveRules& active) noexcept;
  void close(std::size_t i, const Frame& frame, std::size_t name, const RuleSet& rules) noexcept;
  void entomb(std::size_t i, const ImageOrder& order) noexcept;
  void count(Cause cause) noexcept { add(counters.causes[static_cast<std::size_t>(cause)]); }

  const Policy& policy;
  WorkerCounters& counters;
  const unsigned worker;
  const std::uint64_t flow_seed;
  BlockedFlows blocked;
  TcpNames tcp;
  Fragments fragments;
  std::vector<std::uint8_t> joined;  ///< a buffer for each frame of a burst: the datagram that it completes
  QuicReader quic;
  Responder responder;

  Now now;
  std::uint32_t now_s = 0;
  bool new_tombstone = false;  ///< set in this burst: later frames of it are checked again
  std::size_t frames = 0;
  std::array<PacketView, kMaxBurst> views;
  std::array<Packet, kMaxBurst> packets;
  std::array<Verdict, kMaxBurst> verdicts;
  FoundNames names;
  DnsQuery query;
  /// The first query of a TCP stream, where a packet completes it and may be answered.
  std::array<std::array<std::uint8_t, kMaxAnsweredQuery>, kMaxBurst> first_queries;
  WireName quic_name;
};

void Pipeline::State::parse(std::span<const Frame> burst) noexcept {
  for (std::size_t i = 0; i < frames; ++i) {
    if (i + kPrefetchFrames < frames) __builtin_prefetch(burst[i + kPrefetchFrames].data + 64);
    parse_packet({burst[i].data, burst[i].len}, burst[i].link, views[i]);
    Packet& packet = packets[i];
    packet.ip_bytes = views[i].payload <= views[i].l3 ? 0 : static_cast<std::uint32_t>(ip_packet_bytes(views[i]));
    packet.from = burst[i].from_by_prefix ? side_of(views[i]) : burst[i].from;
    packet.again = views[i].cause == Cause::Fragment && is_read(i) && join(i);
    packet.cause = views[i].cause;
    packet.has_ports = views[i].cause == Cause::None;
    packet.has_key = packet.is_query = packet.fallen = packet.handshake_seen = false;
    packet.first_name = packet.names = packet.query_bytes = 0;
    packet.quic = QuicReader::kNone;
    verdicts[i] = {};
  }
}

Side Pipeline::State::side_of(const PacketView& view) const noexcept {
  return view.l3 > 0 && policy.is_subscriber(view.src()) ? Side::Subscriber : Side::Internet;
}

/// Takes in a fragment; from the one on that completes its datagram, the view is that of the whole datagram. True from
/// the next one on.
bool Pipeline::State::join(std::size_t i) noexcept {
  const std::size_t bytes = fragments.buffer_bytes();
  const PacketView fragment = views[i];
  return fragments.add(fragment, now.mono_ns, std::span(joined).subspan(i * bytes, bytes), views[i]);
}

void Pipeline::State::make_key(std::size_t i) noexcept {
  Packet& packet = packets[i];
  if (packet.has_key) return;
  const bool server = is_syn_ack(views[i]) || !is_read(i);
  packet.key = flow_key(views[i], server ? Sender::Server : Sender::Client);
  packet.hash = flow_hash(packet.key, flow_seed);
  packet.has_key = true;
}

/// Keys are made where a table is asked: for TCP that begins or carries data, for everything while tombstones stand.
void Pipeline::State::find_flows() noexcept {
  const bool tombstones = !blocked.empty(now_s);
  for (std::size_t i = 0; i < frames; ++i) {
    const PacketView& view = views[i];
    if (!packets[i].has_ports) continue;
    const bool syn = (view.tcp_flags & kSyn) != 0;
    const bool young = view.proto == IpProto::Tcp && (syn || (view.payload_len > 0 && is_read(i)));
    if (!tombstones && !young) continue;
    make_key(i);
    if (tombstones) blocked.prefetch(packets[i].hash);
    if (young) tcp.prefetch(packets[i].hash);
  }
}

bool Pipeline::State::under_tombstone(std::size_t i) noexcept {
  const Packet& packet = packets[i];
  if (!packet.has_ports) return false;
  make_key(i);
  const bool server = is_syn_ack(views[i]) || !is_read(i);
  if (falls(i, packet.key, packet.hash, server ? Sender::Server : Sender::Client)) return true;
  if (!policy.read_both_sides) return false;
  const Sender sender = server ? Sender::Client : Sender::Server;
  const FlowKey reversed = flow_key(views[i], sender);
  return falls(i, reversed, flow_hash(reversed, flow_seed), sender);
}

bool Pipeline::State::falls(std::size_t i, const FlowKey& key, std::uint64_t hash, Sender sender) noexcept {
  const StreamPlace* place = blocked.find(key, hash, now_s);
  if (place == nullptr || !belongs(views[i], sender, *place)) return false;
  if (views[i].proto == IpProto::Udp) {
    if (packets[i].quic != QuicReader::kNone) return quic.blocked(packets[i].quic);
    return !quic.shared(views[i], sender == Sender::Client);
  }
  // A new connection with the same addresses and ports, so soon that its numbers are near; not the old SYN again.
  const bool begins =
      sender == Sender::Client && is_syn(views[i]) && static_cast<std::int32_t>(views[i].seq - place->client) > 0;
  if (begins) blocked.erase(key, hash);
  return !begins;
}

void Pipeline::State::check_tombstones() noexcept {
  if (blocked.empty(now_s)) return;
  for (std::size_t i = 0; i < frames; ++i) {
    // Several QUIC connections may share addresses and ports: first it is read which one this belongs to.
    const bool initial = packets[i].has_ports && views[i].proto == IpProto::Udp && is_read(i) &&
                         looks_like_quic(views[i].payload_bytes());
    if (!initial) packets[i].fallen = under_tombstone(i);
  }
}

void Pipeline::State::read_names() noexcept {
  for (std::size_t i = 0; i < frames; ++i) {
    const Packet& packet = packets[i];
    const PacketView& view = views[i];
    if (!packet.has_ports || packet.fallen) continue;
    if (is_syn_ack(view)) tcp.answer(packet.hash, view, now_s);
    if (!is_read(i)) continue;
    if (view.proto == IpProto::Tcp) {
      read_tcp(i);
      continue;
    }
    if (policy.dns_ports.contains(view.dst_port)) read_dns(i);
    if (!packets[i].is_query) read_quic(i);
  }
}

void Pipeline::State::read_dns(std::size_t i) noexcept {
  Packet& packet = packets[i];
  packet.cause = parse_dns_query(views[i].payload_bytes(), policy.structured_error_option, query);
  if (packet.cause != Cause::None) return;
  packet.is_query = true;
  packet.first_name = static_cast<std::uint16_t>(names.size());
  packet.cause = for_each_question(query, [&](const DnsQuestion& question, FoundNames::Meta meta) {
    meta.repeated = packet.again;
    (void)names.add(i, Method::Dns, question.qtype, question.name, meta);
  });
  packet.names = static_cast<std::uint16_t>(names.size() - packet.first_name);
}

void Pipeline::State::read_tcp(std::size_t i) noexcept {
  Packet& packet = packets[i];
  const PacketView& view = views[i];
  if (is_syn(view)) packet.cause = tcp.start(packet.key, packet.hash, view, now_s);
  if (view.payload_len == 0 || is_syn_ack(view)) return;
  packet.first_name = static_cast<std::uint16_t>(names.size());
  const TcpNames::Read read = tcp.read(packet.key, packet.hash, view, now_s, i, names);
  packet.names = static_cast<std::uint16_t>(names.size() - packet.first_name);
  if (read.cause != Cause::None) packet.cause = read.cause;
  packet.handshake_seen = read.handshake_seen;
  if (!read.handshake_seen || read.first_query.size() > kMaxAnsweredQuery) return;
  std::ranges::copy(read.first_query, first_queries[i].begin());
  packet.query_bytes = static_cast<std::uint16_t>(read.first_query.size());
}

void Pipeline::State::read_quic(std::size_t i) noexcept {
  const PacketView& view = views[i];
  if (!looks_like_quic(view.payload_bytes())) return;
  Packet& packet = packets[i];
  packet.cause = quic.read(view, now.mono_ns, quic_name);
  packet.quic = quic.connection();
  packet.fallen = !blocked.empty(now_s) && under_tombstone(i);
  if (packet.cause != Cause::None) return;
  packet.first_name = static_cast<std::uint16_t>(names.size());
  packet.names = 1;
  (void)names.add(i, Method::Quic, 0, quic_name, {.repeated = quic.repeated(), .outer = quic.outer()});
}

void Pipeline::State::look_up(const RuleSet& rules) noexcept {
  std::array<Lookup, RuleSet::kBatch> asked;
  std::array<Decision, RuleSet::kBatch> answers;
  for (std::size_t begin = 0; begin < names.size(); begin += RuleSet::kBatch) {
    const std::size_t n = std::min(RuleSet::kBatch, names.size() - begin);
    for (std::size_t k = 0; k < n; ++k) {
      const NameSeen& name = names[begin + k];
      asked[k] = {&name.name, name.method, name.qtype};
    }
    rules.lookup({asked.data(), n}, {answers.data(), n}, now.wall_s, worker);
    for (std::size_t k = 0; k < n; ++k) {
      if (names.meta(begin + k).judged) names[begin + k].decision = answers[k];
    }
  }
}

void Pipeline::State::drop(std::size_t i) noexcept {
  if (policy.copies) return;
  verdicts[i].fate = Fate::Drop;
  add(counters.dropped_pkts);
}

/// The packet belongs to a connection that was answered and closed.
void Pipeline::State::fall(std::size_t i, const Frame& frame) noexcept {
  verdicts[i].cause = Cause::Tombstone;
  count(Cause::Tombstone);
  drop(i);
  // The answer was lost, or the server's came first. Not after every acknowledgement: the client may just have taken
  // it.
  const PacketView& view = views[i];
  const bool goes_on = view.proto == IpProto::Tcp && view.payload_len > 0 && (view.tcp_flags & kRst) == 0;
  if (policy.copies && goes_on && is_read(i)) {
    responder.reset({.frame = i,
                     .from = packets[i].from,
                     .link = frame.link,
                     .view = &view,
                     .ip_bytes = packets[i].ip_bytes,
                     .order = nullptr,
                     .external = false,
                     .handshake_seen = false,
                     .first = false});
  }
}

/// The packet is not blocked: it goes on, unless policy has it dropped for its cause.
void Pipeline::State::pass(std::size_t i, Cause cause) noexcept {
  if (cause == Cause::None) return;
  verdicts[i].cause = cause;
  count(cause);
  if (policy.mode != Mode::Enforce || policy.rows[static_cast<std::size_t>(cause)] != Row::Drop) return;
  drop(i);
}

std::size_t Pipeline::State::blocked_name(std::size_t i) noexcept {
  const std::size_t end = std::size_t{packets[i].first_name} + packets[i].names;
  for (std::size_t k = packets[i].first_name; k < end; ++k) {
    if (!names[k].decision.blocked()) continue;
    if (names.meta(k).spared == Cause::None) return k;
    packets[i].cause = names.meta(k).spared;
  }
  return names.size();
}

std::size_t Pipeline::State::shadowed_name(std::size_t i) noexcept {
  const std::size_t end = std::size_t{packets[i].first_name} + packets[i].names;
  for (std::size_t k = packets[i].first_name; k < end; ++k) {
    if (names[k].decision.in_shadow() && names.meta(k).spared == Cause::None) return k;
  }
  return names.size();
}

void Pipeline::State::judge(std::span<const Frame> burst, const ActiveRules& active) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names.meta(i).repeated) add(counters.names[static_cast<std::size_t>(names[i].method)]);
  }
  for (std::size_t i = 0; i < frames; ++i) {
    const Packet& packet = packets[i];
    // Not earlier: the answer to one query must not spend what a later one in the burst brings.
    if (packet.is_query) responder.saw_query(packet.from, burst[i].link, views[i], packet.ip_bytes, now.mono_ns);
    if (packet.fallen || (new_tombstone && under_tombstone(i))) {
      fall(i, burst[i]);
    } else if (packet.names > 0 && active.rules == nullptr) {
      pass(i, Cause::NoImage);
    } else if (const std::size_t name = blocked_name(i); name != names.size()) {
      block(i, burst[i], name, active);
    } else {
      if (const std::size_t shadow = shadowed_name(i); shadow != names.size()) observe(i, shadow, active);
      pass(i, packet.cause);
    }
  }
}

namespace {

/// Where hits of an order are counted; slot 0 is everybody's who has none of his own.
std::size_t slot_of(const ActiveRules& active, std::uint32_t order) noexcept {
  return order < active.slots.size() && active.slots[order] < kOrderSlots ? active.slots[order] : 0;
}

}  // namespace

void Pipeline::State::block(std::size_t i, const Frame& frame, std::size_t name, const ActiveRules& active) noexcept {
  if (policy.mode == Mode::Observe) return observe(i, name, active);
  const std::uint32_t order = names[name].decision.order;
  verdicts[i].order = order;
  if (policy.copies && names[name].method == Method::Quic) {
    observe(i, name, active);
    return pass(i, Cause::MirrorQuic);
  }
  drop(i);
  add(counters.blocked[static_cast<std::size_t>(names[name].method)]);
  add(counters.orders[slot_of(active, order)].blocked);
  close(i, frame, name, *active.rules);
}

/// Counts what would have been blocked.
void Pipeline::State::observe(std::size_t i, std::size_t name, const ActiveRules& active) noexcept {
  const std::uint32_t order = names[name].decision.order;
  verdicts[i].order = order;
  // Sent again, it would have met the tombstone.
  if (names.meta(name).repeated) return;
  add(counters.observed[static_cast<std::size_t>(names[name].method)]);
  add(counters.orders[slot_of(active, order)].observed);
}

/// Answers a blocked packet, and sees that its connection stays closed.
void Pipeline::State::close(std::size_t i, const Frame& frame, std::size_t name, const RuleSet& rules) noexcept {
  const ImageOrder& order = rules.orders()[names[name].decision.order];
  const Trigger trigger{.frame = i,
                        .from = packets[i].from,
                        .link = frame.link,
                        .view = &views[i],
                        .ip_bytes = packets[i].ip_bytes,
                        .order = &order,
                        .external = rules.feeds()[order.feed].external,
                        .handshake_seen = packets[i].handshake_seen,
                        .first = names.meta(name).first};
  const bool tcp_query = views[i].proto == IpProto::Tcp;
  if (names[name].method == Method::Dns) {
    const Bytes message = tcp_query ? Bytes{first_queries[i].data(), packets[i].query_bytes} : views[i].payload_bytes();
    (void)parse_dns_query(message, policy.structured_error_option, query);
    if (!tcp_query) return responder.answer_dns(trigger, query, names.meta(name).question, now);
    responder.end_dns(trigger, message, query, names.meta(name).question, now);
  }
  make_key(i);
  quic.block(packets[i].quic);
  entomb(i, order);
  if (names[name].method == Method::Sni) responder.end_tls(trigger);
  if (names[name].method == Method::Http) responder.end_http(trigger);
}

void Pipeline::State::entomb(std::size_t i, const ImageOrder& order) noexcept {
  const UnixSeconds left = std::clamp<UnixSeconds>(order.expires - now.wall_s, 1, std::max(1U, policy.tombstone_s));
  const PacketView& view = views[i];
  const StreamPlace place{view.seq, (view.tcp_flags & kAck) != 0 ? view.ack : view.seq};
  if (!blocked.insert(packets[i].key, packets[i].hash, place, now_s, now_s + static_cast<std::uint32_t>(left))) {
    return count(Cause::BlockedTableFull);
  }
  new_tombstone = true;
}

Pipeline::Pipeline(const Policy& policy, const PipelineLimits& limits, std::uint64_t seed, WorkerCounters& counters,
                   unsigned worker)
    : state_(std::make_unique<State>(policy, limits, seed, counters, worker)) {}

Pipeline::~Pipeline() = default;

void Pipeline::run(std::span<const Frame> burst, const ActiveRules& active, Now now) noexcept {
  State& s = *state_;
  s.frames = std::min(burst.size(), kMaxBurst);
  s.now = now;
  s.now_s = static_cast<std::uint32_t>(now.mono_ns / 1'000'000'000) + 1;  // never 0: an empty place in a table
  s.new_tombstone = false;
  s.names.clear();
  s.responder.begin_burst();
  s.parse(burst);
  s.find_flows();
  s.check_tombstones();
  s.read_names();
  if (active.rules != nullptr) s.look_up(*active.rules);
  s.judge(burst, active);
  s.names.hide_repeated();
}

std::span<const Verdict> Pipeline::verdicts() const noexcept {
  return {state_->verdicts.data(), state_->frames};
}
std::span<const Reply> Pipeline::replies() const noexcept {
  return state_->responder.replies();
}
std::span<const NameSeen> Pipeline::names() const noexcept {
  return state_->names.shown();
}
std::span<const PacketView> Pipeline::views() const noexcept {
  return {state_->views.data(), state_->frames};
}
Side Pipeline::from(std::size_t frame) const noexcept {
  return state_->packets[frame].from;
}

}  // namespace sluice
