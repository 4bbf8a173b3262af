#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace sluice {

/// Names that were given lately, as fingerprints of their connection, their place in it and themselves: so that a name
/// is counted and shown once, whatever of its stream is sent again. Bounded: where a set is full, the entry that was
/// set first gives way, and its name may be given twice. All memory is taken in the constructor.
class GivenNames {
 public:
  static constexpr std::uint16_t kLifetime_s = 120;  ///< beyond the last retransmission of most stacks

  explicit GivenNames(std::uint32_t names);

  /// True where `fingerprint` (evenly spread, seeded) was given before; it is remembered from now on.
  [[nodiscard]] bool again(std::uint64_t fingerprint, std::uint32_t now_s) noexcept;

 private:
  static constexpr std::size_t kWays = 8;
  /// A fingerprint's upper 48 bits and the low bits of the second it was set in; 0: free.
  struct alignas(64) Bucket {
    std::array<std::uint64_t, kWays> entries;
  };
  static_assert(sizeof(Bucket) == 64);

  std::vector<Bucket> buckets_;
  std::uint64_t mask_;
};

}  // namespace sluice
