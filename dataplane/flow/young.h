#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace sluice {

/// Connections whose start was seen: 16 bytes each, found by their hash alone (a 32-bit tag: one lookup in about 10^9
/// is answered for another connection). So a tail that arrives before its head is recognised, a handshake seen in full
/// is told from a spoofed one, and a name is given once although its segment is sent again. Set-associative; all memory
/// is taken in the constructor. Time is monotonic, in whole seconds.
class YoungFlows {
 public:
  enum class State : std::uint8_t {
    Free,
    Syn,     ///< the client's SYN was seen
    SynAck,  ///< and the server's answer to it
    Read,    ///< a name was read: `position` and `name_hash` say which
  };
  struct Flow {
    std::uint32_t tag = 0;
    std::uint32_t position =
        0;  ///< Syn, SynAck: the client's initial sequence number; Read: where the name's message began
    std::uint32_t detail = 0;  ///< SynAck: the server's initial sequence number; Read: hash of the name
    std::uint16_t seen_s = 0;  ///< low bits of the second it was last changed
    State state = State::Free;
    std::uint8_t unused = 0;
  };
  static_assert(sizeof(Flow) == 16);

  static constexpr std::uint16_t kLifetime_s = 60;  ///< longest wait for the first data, and memory of a name read

  explicit YoungFlows(std::uint32_t flows);

  [[nodiscard]] Flow* find(std::uint64_t hash, std::uint32_t now_s) noexcept;
  /// The flow's entry, set anew to `state`; null where the set is full of connections that wait for their first data.
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
