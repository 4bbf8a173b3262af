#include "dataplane/quic/crypto_stream.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluice {

void CryptoStream::clear() noexcept {
  std::fill_n(present_.begin(), (end_ + kWordBits - 1) / kWordBits, 0U);
  prefix_ = 0;
  end_ = 0;
}

bool CryptoStream::insert(std::uint64_t offset, Bytes data) noexcept {
  if (offset >= kMaxBytes) return data.empty();
  const auto begin = static_cast<std::size_t>(offset);
  const std::size_t end = begin + std::min(data.size(), kMaxBytes - begin);
  for (std::size_t at = begin; at < end;) {
    const std::size_t word = at / kWordBits;
    const std::size_t low = at % kWordBits;
    const std::size_t count = std::min(kWordBits - low, end - at);
    const std::uint64_t wanted = (~std::uint64_t{0} >> (kWordBits - count)) << low;
    std::uint64_t fresh = wanted & ~present_[word];
    if (fresh == wanted) {
      std::memcpy(&bytes_[at], &data[at - begin], count);
    } else {
      for (; fresh != 0; fresh &= fresh - 1) {
        const std::size_t i = word * kWordBits + static_cast<std::size_t>(std::countr_zero(fresh));
        bytes_[i] = data[i - begin];
      }
    }
    present_[word] |= wanted;
    at += count;
  }
  end_ = std::max(end_, end);
  extend_prefix();
  return end - begin == data.size();
}

void CryptoStream::extend_prefix() noexcept {
  while (prefix_ < end_) {
    const std::size_t low = prefix_ % kWordBits;
    const auto run = static_cast<std::size_t>(std::countr_one(present_[prefix_ / kWordBits] >> low));
    prefix_ += run;
    if (run < kWordBits - low) break;
  }
}

}  // namespace sluice
