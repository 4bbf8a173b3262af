#include "dataplane/flow/given.h"

#include <algorithm>
#include <bit>

namespace sluice {

GivenNames::GivenNames(std::uint32_t names)
    : buckets_(std::bit_ceil(std::max<std::size_t>(1, (names + kWays - 1) / kWays))), mask_(buckets_.size() - 1) {}

bool GivenNames::again(std::uint64_t fingerprint, std::uint32_t now_s) noexcept {
  Bucket& bucket = buckets_[fingerprint & mask_];
  const auto now = static_cast<std::uint16_t>(now_s);
  for (const std::uint64_t entry : bucket.entries) {
    const auto age = static_cast<std::uint16_t>(now - static_cast<std::uint16_t>(entry));
    if (entry >> 16 == fingerprint >> 16 && age <= kLifetime_s) return true;
  }
  std::copy_backward(bucket.entries.begin(), bucket.entries.end() - 1, bucket.entries.end());
  bucket.entries[0] = (fingerprint >> 16 << 16) | now;
  return false;
}

}  // namespace sluice
