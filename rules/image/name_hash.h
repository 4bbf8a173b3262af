#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice {

// The hash of the names table: chained over the labels of a name from the right, so that the hashes of all suffixes
// of a name fall out on the way. h("") = seed; h(label.rest) = hash_label(h(rest), label).

/// Bytes before the end of a label that hash_label() may read, whatever the length of the label.
inline constexpr std::size_t kHashReadsBefore = 16;

namespace detail {

[[nodiscard]] inline std::uint64_t load_le64(const char* p) noexcept {
  std::uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

[[nodiscard]] inline std::uint64_t fold_product(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

struct TailMask {
  std::uint64_t last8, before;
};
/// [n]: keeps the last n bytes of the sixteen that end a label.
inline constexpr std::array<TailMask, 17> kTailMasks = [] {
  std::array<TailMask, 17> masks{};
  for (std::size_t n = 1; n <= 16; ++n) {
    masks[n].last8 = n >= 8 ? ~0ULL : ~0ULL << (64 - 8 * n);
    masks[n].before = n <= 8 ? 0 : n == 16 ? ~0ULL : ~0ULL << (128 - 8 * n);
  }
  return masks;
}();

}  // namespace detail

/// Hash of a suffix with one more label in front: `end` points behind the label of `len` bytes (1..63). The
/// kHashReadsBefore bytes before `end` are readable.
[[nodiscard]] inline std::uint64_t hash_label(std::uint64_t h, const char* end, std::size_t len) noexcept {
  constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: odd, no pattern in its bits
  while (len > 16) [[unlikely]] {
    h = detail::fold_product(detail::load_le64(end - 8) ^ h,
                             detail::load_le64(end - 16) ^ kMultiplier ^ (static_cast<std::uint64_t>(len) << 56));
    end -= 16;
    len -= 16;
  }
  const detail::TailMask mask = detail::kTailMasks[len];
  return detail::fold_product(
      (detail::load_le64(end - 8) & mask.last8) ^ h,
      (detail::load_le64(end - 16) & mask.before) ^ kMultiplier ^ (static_cast<std::uint64_t>(len) << 56));
}

/// Tag of a hash in its bucket: never 0, which marks a free slot.
[[nodiscard]] inline std::uint32_t bucket_tag(std::uint64_t h) noexcept {
  const auto tag = static_cast<std::uint32_t>(h >> 32);
  return tag | static_cast<std::uint32_t>(tag == 0);
}

/// Bucket of a hash among `buckets` (at least 1, below 2^32).
[[nodiscard]] inline std::uint64_t bucket_index(std::uint64_t h, std::uint64_t buckets) noexcept {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(h)) * buckets) >> 32;
}

/// The word of the Bloom filter that speaks for a hash, and the four bits that are set in it.
struct FilterProbe {
  std::uint64_t word;
  std::uint64_t bits;
};
/// `words`: at least 1, below 2^32.
[[nodiscard]] inline FilterProbe filter_probe(std::uint64_t h, std::uint64_t words) noexcept {
  const std::uint64_t mixed = h * 0xd6e8feb86659fd93;  // odd: the bucket's bits and the filter's are not the same ones
  const std::uint64_t bits = (1ULL << (mixed >> 8 & 63)) | (1ULL << (mixed >> 14 & 63)) | (1ULL << (mixed >> 20 & 63)) |
                             (1ULL << (mixed >> 26 & 63));
  return {((mixed >> 32) * words) >> 32, bits};
}

}  // namespace sluice
