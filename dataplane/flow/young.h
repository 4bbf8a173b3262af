#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace sluice {

/// Connections whose start was seen, and how far their client's stream was read: 16 bytes each, found by their hash
/// alone (a 32-bit tag: one lookup in about 10^9 is answered for another connection). So a tail that arrives before its
/// head is recognised, a handshake seen in full is told from a spoofed one, and bytes in the middle of a stream are not
/// taken for its beginning. Set-associative; all memory is taken in the constructor. Time is monotonic, in whole
/// seconds.
class YoungFlows {
 public:
  enum class State : std::uint8_t {
    Free,
    Syn,     ///< the client's SYN was seen
    SynAck,  ///< and the server's answer to it
    Armed,   ///< what follows is a new beginning: after STARTTLS or CONNECT
    Tls,     ///< a ClientHello was read
    Http,    ///< a request was read, and where it ends is known
    Body,    ///< a request was read, and where it ends is not known
    Dns,     ///< a DNS message was read
    Other,   ///< began with none of these
    Joined,  ///< its start was not seen, and what was seen first is none of these
  };
  struct Flow {
    std::uint32_t tag = 0;
    std::uint32_t position = 0;  ///< Syn, SynAck: the client's initial sequence number; Tls, Other: where its stream
                                 ///< began; Armed, Http, Body, Dns: where the next message begins
    std::uint32_t detail = 0;    ///< SynAck: the server's initial sequence number; Http, Body, Dns: where the stream
                                 ///< began; Other, Joined: the last letters seen
    std::uint16_t seen_s = 0;    ///< low bits of the second it was last used
    State state = State::Free;
    bool proven = false;  ///< the handshake was seen in full

    [[nodiscard]] bool waits() const noexcept { return state == State::Syn || state == State::SynAck; }
  };
  static_assert(sizeof(Flow) == 16);

  static constexpr std::uint16_t kLifetime_s = 60;    ///< longest wait for the first data
  static constexpr std::uint16_t kBegunIdle_s = 600;  ///< longest silence of a stream that has begun

  explicit YoungFlows(std::uint32_t flows);

  [[nodiscard]] Flow* find(std::uint64_t hash, std::uint32_t now_s) noexcept;
  /// The flow's entry, set anew to `state`; null where the set is full of connections that were answered
  /// and wait for their first data. Before them streams that have begun give way, then SYNs without an answer, the
  /// oldest first: spoofed ones get none. Pointers to other flows hold no longer.
  Flow* insert(std::uint64_t hash, std::uint32_t now_s, State state) noexcept;
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&buckets_[hash & mask_]); }

 private:
  static constexpr std::size_t kWays = 4;
  struct alignas(64) Bucket {
    std::array<Flow, kWays> flows;
  };
  static_assert(sizeof(Bucket) == 64);

  std::vector<Bucket> buckets_;
  std::uint64_t mask_;
};

}  // namespace sluice
