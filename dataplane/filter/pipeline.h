#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/base/wire_name.h"
#include "dataplane/filter/counters.h"
#include "dataplane/filter/policy.h"
#include "dataplane/match/matcher.h"
#include "dataplane/packet/packet_view.h"

namespace sluice {

/// Where a port leads. Index of per-side counters.
enum class Side : std::uint8_t { Subscriber, Internet };
[[nodiscard]] constexpr Side other(Side side) noexcept {
  return side == Side::Subscriber ? Side::Internet : Side::Subscriber;
}

inline constexpr std::size_t kMaxBurst = 64;
inline constexpr std::size_t kMaxReplyBytes = 1024;
inline constexpr std::size_t kMaxRepliesPerBurst = 2 * kMaxBurst;  ///< RST to the client and to the server
inline constexpr std::size_t kMaxNamesPerFrame = 64;               ///< more than queries fit into 1500 bytes
inline constexpr std::size_t kMaxNamesPerBurst = kMaxNamesPerFrame * kMaxBurst;

/// One received frame, contiguous, borrowed for the length of the call.
struct Frame {
  const std::uint8_t* data = nullptr;
  std::uint32_t len = 0;
  Side from = Side::Subscriber;
  LinkType link = LinkType::Ethernet;
  bool from_by_prefix = false;  ///< a copy of either direction: it is a subscriber's where Policy::subscribers says so
};

enum class Fate : std::uint8_t { Forward, Drop };
struct Verdict {
  Fate fate = Fate::Forward;
  Cause cause = Cause::None;       ///< what was in the way of reading it, or why it fell
  std::uint32_t order = kNoOrder;  ///< order that blocks it (also in observe and in shadow: fate stays Forward)
};

/// A name that was read in this burst, for `inspect` and `explain`. Never leaves the packet path otherwise.
struct NameSeen {
  std::uint16_t frame;  ///< index in the burst
  Method method;
  std::uint16_t qtype;  ///< DNS only
  bool outer;           ///< TLS, QUIC: beside encrypted_client_hello, as far as that was there with the name
  Decision decision;
  WireName name;
};

/// A frame to send: complete, checksums included.
struct Reply {
  std::uint16_t frame = 0;  ///< index of its trigger
  Side out = Side::Subscriber;
  std::uint16_t len = 0;
  std::array<std::uint8_t, kMaxReplyBytes> bytes;
};

/// Clocks, as arguments: monotonic for tables and rates, wall clock for the validity of orders.
struct Now {
  std::uint64_t mono_ns = 0;
  UnixSeconds wall_s = 0;
};

/// The rules a burst is judged by: loaded once per burst. `slots[i]` = counter slot of order i.
struct ActiveRules {
  const RuleSet* rules = nullptr;  ///< null: Cause::NoImage
  std::span<const std::uint32_t> slots;
};

struct PipelineLimits {
  std::uint32_t blocked_flows = 1 << 16;
  std::uint32_t young_flows = 1 << 18;
  std::uint32_t half_flows = 1 << 12;
  std::uint32_t half_bytes_per_flow = 64 << 10;
  std::uint32_t half_bytes_total = 16 << 20;
  std::uint32_t given_names = 1 << 16;  ///< 8 bytes each: names in TCP that are known when they are sent again
  std::uint32_t credit_prefixes = 1 << 12;
  std::uint32_t quic_connections = 1 << 13;
  std::uint32_t quic_half_read = 1 << 9;      ///< 18 KiB each
  std::uint32_t fragment_datagrams = 1 << 9;  ///< 8 KiB each
};

/// One worker's way of a burst: parse → read names → match → judge → build replies, each stage over the whole burst.
/// Owns the worker's bounded tables; all memory is taken in the constructor and none after.
///
/// Names are read in packets from Side::Subscriber only; those from Side::Internet are held against the tombstones of
/// blocked connections (Policy::read_both_sides lifts the difference for captures). Names are read in DNS queries to
/// Policy::dns_ports, over UDP and TCP, and, on any port, in TCP streams (tcp_names.h) and in QUIC Initials. Of several
/// names in a packet the first blocked one decides. A question of a class other than IN and ANY is never blocked.
///
/// Fragments go on as they come; names are read in the datagram that is put together from copies, and the fragment that
/// completes a blocked one is dropped, as is every later one. views() then shows the datagram.
///
/// What is blocked in Mode::Enforce is dropped. An answer goes back only to Policy::subscribers, only to a packet that
/// came from Side::Subscriber on Ethernet, and through a tunnel only where its way back is configured; to the server
/// goes the trigger, shrunk to a RST. In TCP nothing larger than its trigger is sent unless the client's handshake was
/// seen in full. QUIC is dropped without an answer. The tombstone of a TCP or QUIC connection holds for
/// Policy::tombstone_s, at most until its order expires. In TCP it holds for what lies near the blocked bytes in the
/// stream (belongs()): a new connection with the same addresses and ports goes on, and so does that of a neighbour in
/// whose name somebody sent a packet. In Mode::Observe nothing is dropped, answered or remembered as blocked; so it is,
/// in either mode, with what only an order in shadow would block.
///
/// With Policy::copies (mirror mode) nothing is dropped: blocked names are answered, connections reset at both ends and
/// again with every further packet in which the client sends data. QUIC cannot be stopped so: Cause::MirrorQuic, and
/// the order counts it as observed.
class Pipeline {
 public:
  /// `policy` and `counters` outlive the pipeline. `seed` keys every hash; draw it at random, but not in tests.
  Pipeline(const Policy& policy, const PipelineLimits& limits, std::uint64_t seed, WorkerCounters& counters,
           unsigned worker);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Judges at most kMaxBurst frames. verdicts(), replies() and names() hold until the next call.
  void run(std::span<const Frame> burst, const ActiveRules& active, Now now) noexcept;

  [[nodiscard]] std::span<const Verdict> verdicts() const noexcept;
  [[nodiscard]] std::span<const Reply> replies() const noexcept;
  [[nodiscard]] std::span<const NameSeen> names() const noexcept;
  [[nodiscard]] std::span<const PacketView> views() const noexcept;
  /// Which side a frame came from: Frame::from, or what the prefixes told.
  [[nodiscard]] Side from(std::size_t frame) const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice
