#include "dataplane/engine/worker.h"

#include <poll.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

constexpr unsigned kSendAttempts = 64;            // each one kicks the kernel; then the frames are lost, and counted
constexpr std::uint64_t kBeatEvery_ns = 100'000;  // the kernel may call a worker dead after some ms of silence
constexpr std::uint64_t kSpin_ns = 50'000;        // busy polling after the last frame, before waiting
constexpr std::int64_t kWait_ns = 5'000'000;      // longest wait on sockets: well below the heartbeat's age limit
constexpr std::int64_t kNap_ns = 50'000;          // where a port has no socket to wait on
constexpr std::uint16_t kUnread = 0xffff;
constexpr std::size_t kMaxChainBytes = 10 << 10;  // jumbo frames (MTU 9000, tags, tunnels); longer chains are not read
constexpr std::uint64_t kDrainQuiet_ns = 10'000'000;
constexpr std::uint64_t kDrainLimit_ns = 200'000'000;

std::uint64_t monotonic_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

Now clock_now() noexcept {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME_COARSE, &wall);
  return {monotonic_ns(), wall.tv_sec};
}

std::size_t side(Side from) noexcept {
  return static_cast<std::size_t>(from);
}

}  // namespace

Worker::Worker(unsigned index, const Ports& ports, const Policy& policy, RuleSwitch& rules, WorkerCounters& counters,
               WorkerStatus& status, std::uint64_t seed)
    : index_(index),
      ports_(ports),
      rules_(rules),
      counters_(counters),
      status_(status),
      pipeline_(policy, PipelineLimits{}, seed, counters, index),
      tx_drops_(ports.all().size()),
      unread_falls_(policy.mode == Mode::Enforce &&
                    policy.rows[static_cast<std::size_t>(Cause::TooManySegments)] == Row::Drop),
      linear_(kMaxBurst * kMaxChainBytes) {
  for (const Port& port : ports.all()) {
    const int socket = port.queue(index).socket;
    if (port.spec().kind == PortKind::Pcap) has_captures_ = true;
    if (socket < 0)
      can_wait_ = false;
    else
      sockets_.push_back({.fd = socket, .events = POLLIN, .revents = 0});
  }
}

void Worker::run() noexcept {
  rules_.join(index_);
  status_.running.store(true, std::memory_order_release);
  std::uint64_t round = rte_rdtsc(), beaten_ns = 0, idle_since_ns = 0;
  while (!status_.stop.load(std::memory_order_relaxed)) {
    const std::uint64_t now_ns = monotonic_ns();
    if (now_ns - beaten_ns >= kBeatEvery_ns) beat(beaten_ns = now_ns);
    const bool any = poll_all();
    if (any) {
      idle_since_ns = 0;
    } else if (has_captures_ && captures_at_end()) {
      break;
    } else if (idle_since_ns == 0) {
      idle_since_ns = now_ns;
    } else if (now_ns - idle_since_ns >= kSpin_ns) {
      wait_for_frames();
    } else {
      rte_pause();
    }
    const std::uint64_t now = rte_rdtsc();
    add(any ? counters_.busy_cycles : counters_.idle_cycles, now - round);
    round = now;
  }
  hand_back();
  rules_.leave(index_);
  status_.running.store(false, std::memory_order_release);
}

bool Worker::poll_all() noexcept {
  bool any = false;
  for (std::size_t port = 0; port < ports_.all().size(); ++port) any |= poll(port);
  rules_.quiescent(index_);
  return any;
}

bool Worker::poll(std::size_t port) noexcept {
  const Port& from = ports_.all()[port];
  const PortQueue& queue = from.queue(index_);
  std::array<rte_mbuf*, kMaxBurst> frames;
  const std::uint16_t count = receive(queue, frames.data(), kMaxBurst);
  if (count == 0) return false;
  for (std::uint16_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(frames[i], const void*));
  if (from.spec().role == PortRole::Inject) {
    rte_pktmbuf_free_bulk(frames.data(), count);
    return true;
  }
  add(counters_.bursts);
  judge(port, frames.data(), count);
  return true;
}

/// After the burst was judged: only then is the direction of each copy known where one port brings both.
void Worker::count_received(const Port& from, rte_mbuf* const* frames,
                            std::span<const std::uint16_t> view_of) noexcept {
  std::array<std::uint64_t, 2> pkts{}, bytes{};
  for (std::size_t i = 0; i < view_of.size(); ++i) {
    const bool told = from.spec().both_sides && view_of[i] != kUnread;
    const std::size_t at = side(told ? pipeline_.from(view_of[i]) : from.spec().side);
    ++pkts[at];
    bytes[at] += frames[i]->pkt_len;
  }
  for (std::size_t at = 0; at < 2; ++at) {
    if (pkts[at] == 0) continue;
    add(counters_.rx_pkts[at], pkts[at]);
    add(counters_.rx_bytes[at], bytes[at]);
  }
}

void Worker::judge(std::size_t port, rte_mbuf** frames, std::uint16_t count) noexcept {
  const PortSpec& from = ports_.all()[port].spec();
  std::array<Frame, kMaxBurst> views;
  std::array<std::uint16_t, kMaxBurst> view_of;
  std::uint16_t readable = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::uint8_t* const data = contiguous(frames[i], readable);
    if (data == nullptr) {
      add(counters_.causes[static_cast<std::size_t>(Cause::TooManySegments)]);
      view_of[i] = kUnread;
      continue;
    }
    views[readable] = {.data = data, .len = frames[i]->pkt_len, .from = from.side, .from_by_prefix = from.both_sides};
    view_of[i] = readable++;
  }
  const LoadedRules* const rules = rules_.current();
  pipeline_.run({views.data(), readable}, rules != nullptr ? rules->active() : ActiveRules{}, clock_now());
  count_received(ports_.all()[port], frames, {view_of.data(), count});
  if (from.role == PortRole::Mirror)
    rte_pktmbuf_free_bulk(frames, count);
  else
    pass_on(port, frames, {view_of.data(), count});
  if (!pipeline_.replies().empty()) answer(port);
}

/// The bytes of a frame; of one in several segments, which is to leave as it came, a copy. Null: it is too long to be
/// read.
const std::uint8_t* Worker::contiguous(rte_mbuf* frame, std::size_t place) noexcept {
  if (frame->nb_segs == 1) return rte_pktmbuf_mtod(frame, const std::uint8_t*);
  if (frame->pkt_len > kMaxChainBytes) return nullptr;
  std::uint8_t* const copy = &linear_[place * kMaxChainBytes];
  return static_cast<const std::uint8_t*>(rte_pktmbuf_read(frame, 0, frame->pkt_len, copy));
}

/// False where a port takes no segments, and the frame does not fit into one.
bool Worker::can_leave(rte_mbuf* frame, const Port& to) noexcept {
  if (frame->nb_segs == 1 || to.takes_segments() || rte_pktmbuf_linearize(frame) == 0) return true;
  add(counters_.causes[static_cast<std::size_t>(Cause::TooManySegments)]);
  return false;
}

/// Sends what may go on to the peer port, in the order it came. `view_of`: index of a frame's verdict, or kUnread.
void Worker::pass_on(std::size_t port, rte_mbuf** frames, std::span<const std::uint16_t> view_of) noexcept {
  const auto verdicts = pipeline_.verdicts();
  const std::size_t peer = port ^ 1;
  std::array<rte_mbuf*, kMaxBurst> forward, drop;
  std::uint16_t forwarded = 0;
  unsigned dropped = 0;
  for (std::size_t i = 0; i < view_of.size(); ++i) {
    const bool judged = view_of[i] != kUnread && verdicts[view_of[i]].fate == Fate::Drop;
    const bool falls = judged || (view_of[i] == kUnread && unread_falls_) || !can_leave(frames[i], ports_.all()[peer]);
    if (falls && !judged) add(counters_.dropped_pkts);
    if (falls)
      drop[dropped++] = frames[i];
    else
      forward[forwarded++] = frames[i];
  }
  if (dropped > 0) rte_pktmbuf_free_bulk(drop.data(), dropped);
  if (forwarded > 0) send(peer, ports_.all()[peer].spec().side, forward.data(), forwarded);
}

void Worker::answer(std::size_t port) noexcept {
  // A pair is subscriber, internet. There are no answers to copies without an injection port, which is the last.
  const bool copies = ports_.all()[port].spec().role == PortRole::Mirror;
  const auto out_port = [&](std::size_t to) {
    return copies ? ports_.all().size() - 1 : (port & ~std::size_t{1}) + to;
  };
  std::array<std::array<rte_mbuf*, kMaxBurst>, 2> out;
  std::array<std::uint16_t, 2> count{};
  for (const Reply& reply : pipeline_.replies()) {
    const std::size_t to = side(reply.out);
    rte_mbuf* const frame = rte_pktmbuf_alloc(ports_.pool(index_));
    if (frame == nullptr) {
      add(counters_.causes[static_cast<std::size_t>(Cause::ReplyNoRoom)]);
      continue;
    }
    std::memcpy(rte_pktmbuf_append(frame, reply.len), reply.bytes.data(), reply.len);
    add(counters_.reply_pkts[to]);
    add(counters_.reply_bytes[to], reply.len);
    out[to][count[to]++] = frame;
    if (count[to] == kMaxBurst)
      send(out_port(to), reply.out, out[to].data(), std::exchange(count[to], std::uint16_t{0}));
  }
  for (const Side to : {Side::Subscriber, Side::Internet}) {
    if (count[side(to)] > 0) send(out_port(side(to)), to, out[side(to)].data(), count[side(to)]);
  }
}

/// `towards`: the side under which it is counted.
void Worker::send(std::size_t port, Side towards, rte_mbuf** frames, std::uint16_t count) noexcept {
  const Port& to = ports_.all()[port];
  const PortQueue& queue = to.queue(index_);
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < count; ++i) bytes += frames[i]->pkt_len;
  std::uint16_t sent = 0;
  for (unsigned attempt = 0; sent < count && attempt < kSendAttempts; ++attempt) {
    sent = static_cast<std::uint16_t>(sent + transmit(queue, frames + sent, static_cast<std::uint16_t>(count - sent)));
  }
  if (sent < count) {
    const auto lost = static_cast<unsigned>(count - sent);
    for (std::uint16_t i = sent; i < count; ++i) bytes -= frames[i]->pkt_len;
    rte_pktmbuf_free_bulk(frames + sent, lost);
    add(tx_drops_[port], lost);
    add(counters_.causes[static_cast<std::size_t>(Cause::TxFull)], lost);
  }
  add(counters_.tx_pkts[side(towards)], sent);
  add(counters_.tx_bytes[side(towards)], bytes);
}

/// Wakes the kernel for what still stands in the transmit rings (a send that met a full socket buffer leaves it there),
/// and takes sent buffers back.
void Worker::flush_all() noexcept {
  for (const Port& port : ports_.all()) {
    const PortQueue& queue = port.queue(index_);
    (void)transmit(queue, nullptr, 0);
  }
}

void Worker::beat(std::uint64_t now_ns) noexcept {
  status_.last_poll_ns.store(now_ns, std::memory_order_relaxed);
  for (const Port& port : ports_.all()) {
    const PortQueue& queue = port.queue(index_);
    if (queue.heartbeat != nullptr) queue.heartbeat->beat(queue.channel, now_ns);
  }
}

void Worker::wait_for_frames() noexcept {
  flush_all();
  const timespec longest{.tv_sec = 0, .tv_nsec = can_wait_ ? kWait_ns : kNap_ns};
  (void)ppoll(sockets_.data(), sockets_.size(), &longest, nullptr);
}

bool Worker::captures_at_end() noexcept {
  for (std::size_t port = 0; port < ports_.all().size(); ++port) {
    if (ports_.all()[port].spec().kind == PortKind::Pcap && poll(port)) return false;
  }
  status_.captures_read.store(true, std::memory_order_release);
  return true;
}

void Worker::hand_back() noexcept {
  for (const Port& port : ports_.all()) {
    const PortQueue& queue = port.queue(index_);
    if (queue.heartbeat != nullptr) queue.heartbeat->beat(queue.channel, 0);
  }
  const std::uint64_t start_ns = monotonic_ns();
  for (std::uint64_t now_ns = start_ns, last_ns = start_ns;
       now_ns - last_ns < kDrainQuiet_ns && now_ns - start_ns < kDrainLimit_ns; now_ns = monotonic_ns()) {
    if (poll_all())
      last_ns = now_ns;
    else
      flush_all();
  }
}

}  // namespace sluice
