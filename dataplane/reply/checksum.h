#pragma once

#include <cstdint>

#include "dataplane/base/bytes.h"

namespace sluice {

/// Unfolded sum of 16-bit words, big-endian (RFC 1071); an odd last byte is padded with zero. Sums may be chained where
/// every part but the last has even length.
[[nodiscard]] inline std::uint64_t checksum_add(std::uint64_t sum, Bytes bytes) noexcept {
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += load_be16(bytes.data() + i);
  if (i < bytes.size()) sum += std::uint64_t{bytes[i]} << 8;
  return sum;
}

/// The one's complement of the folded sum: what goes into a header. A correct packet sums to 0.
[[nodiscard]] inline std::uint16_t checksum_fold(std::uint64_t sum) noexcept {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

}  // namespace sluice
