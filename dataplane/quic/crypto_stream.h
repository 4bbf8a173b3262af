#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/bytes.h"

namespace sluice {

/// Puts the CRYPTO ranges of one packet number space together (RFC 9000 7.5, 19.6): in any order, overlapping, in
/// pieces of any size. Of bytes that come twice the first copy stays. Fixed memory; takes no more.
class CryptoStream {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 10;

  /// Forgets everything; costs what was kept, not what could be.
  void clear() noexcept;
  /// Keeps data at `offset`. False where a part of it lies beyond kMaxBytes: that part is not kept.
  bool insert(std::uint64_t offset, Bytes data) noexcept;
  /// What is there from offset 0 without a gap.
  [[nodiscard]] Bytes prefix() const noexcept { return {bytes_.data(), prefix_}; }

 private:
  static constexpr std::size_t kWordBits = 64;

  void extend_prefix() noexcept;

  std::size_t prefix_ = 0;
  std::size_t end_ = 0;                                         ///< beyond the last byte that was kept
  std::array<std::uint64_t, kMaxBytes / kWordBits> present_{};  ///< bit n % 64 of word n / 64: byte n is there
  std::array<std::uint8_t, kMaxBytes> bytes_;                   // deliberately not cleared
};

}  // namespace sluice
