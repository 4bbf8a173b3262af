#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/base/bytes.h"

namespace sluice {

/// Bytes that DNS answers may spend, per source prefix (/24, /48): what the prefix sent in queries, and a credit that
/// refills over time. In all: answers <= queries + credit + refill, for every prefix, whatever is replaced in the
/// table: an entry gives way only when the prefix would be given as much anew. All memory is taken in the constructor.
class ReplyCredit {
 public:
  ReplyCredit(std::uint32_t prefixes, std::uint32_t credit_bytes, std::uint32_t bytes_per_s, std::uint64_t seed);

  /// A query of `bytes` came from `source` (4 or 16 bytes, network order).
  void earn(Bytes source, std::size_t bytes, std::uint64_t now_ns) noexcept;
  /// True where the prefix can pay for `bytes`; then they are taken.
  bool spend(Bytes source, std::size_t bytes, std::uint64_t now_ns) noexcept;
  /// Takes up to `bytes`: for answers that are no larger than their query and go out anyway.
  void charge(Bytes source, std::size_t bytes, std::uint64_t now_ns) noexcept;

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::uint64_t kMaxEarned = 64 << 10;  ///< bytes of queries that are remembered beyond the credit
  struct Account {
    std::uint64_t prefix = 0;  ///< 0: free
    std::uint64_t balance = 0;
    std::uint64_t refilled_ns = 0;
  };

  Account* find(Bytes source, std::uint64_t now_ns) noexcept;
  void refill(Account& account, std::uint64_t now_ns) const noexcept;

  std::vector<Account> accounts_;
  std::uint64_t mask_, seed_;
  std::uint64_t credit_bytes_, bytes_per_s_;
};

}  // namespace sluice
