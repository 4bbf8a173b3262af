#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/base/bytes.h"
#include "dataplane/base/result.h"
#include "rules/image/format.h"
#include "rules/image/image.h"

namespace sluice {

/// A checked image, read in place. Everything that one part of it says about another was checked when it was opened:
/// offsets, counts, indices, lengths and text. What it hands out needs no further check. Borrows the bytes.
class ImageView {
 public:
  /// Checks, in this order: size, magic, version, signature of the header, size of the file, hash of the body,
  /// check_sections(), hash of the patterns. `bytes` begin at a multiple of 8, and nobody else can write to them.
  [[nodiscard]] static Result<ImageView, ImageError> open(Bytes bytes, const Ed25519PublicKey& key) noexcept;

  /// The part of open() that comes after signature and hash: every section's place, size and content. On its own for
  /// the fuzzer alone, which cannot sign.
  [[nodiscard]] static Result<ImageView, ImageError> check_sections(Bytes bytes) noexcept;

  [[nodiscard]] const ImageHeader& header() const noexcept { return *header_; }
  [[nodiscard]] MatchEngine engine() const noexcept { return static_cast<MatchEngine>(header_->engine); }
  [[nodiscard]] std::span<const FeedRecord> feeds() const noexcept { return feeds_; }
  [[nodiscard]] std::span<const OrderRecord> orders() const noexcept { return orders_; }
  [[nodiscard]] std::span<const RefListRecord> ref_lists() const noexcept { return ref_lists_; }
  [[nodiscard]] std::span<const std::uint64_t> filter() const noexcept { return filter_; }
  [[nodiscard]] std::span<const Bucket> buckets() const noexcept { return buckets_; }
  [[nodiscard]] std::span<const PatternRecord> patterns() const noexcept { return patterns_; }
  [[nodiscard]] Bytes pattern_db() const noexcept { return pattern_db_; }
  [[nodiscard]] const std::uint8_t* records() const noexcept { return records_.data(); }

  [[nodiscard]] std::string_view text(StringRef ref) const noexcept {
    return {reinterpret_cast<const char*>(strings_.data()) + ref.offset, ref.bytes};
  }
  [[nodiscard]] std::span<const RefRecord> refs(std::uint32_t list) const noexcept {
    return refs_.subspan(ref_lists_[list].first, ref_lists_[list].count);
  }
  [[nodiscard]] ImageFeed feed(std::size_t index) const noexcept;
  [[nodiscard]] ImageOrder order(std::size_t index) const noexcept;

 private:
  friend class SectionCheck;
  const ImageHeader* header_ = nullptr;
  std::span<const FeedRecord> feeds_;
  std::span<const OrderRecord> orders_;
  Bytes strings_;
  std::span<const RefListRecord> ref_lists_;
  std::span<const RefRecord> refs_;
  std::span<const std::uint64_t> filter_;
  std::span<const Bucket> buckets_;
  Bytes records_;
  std::span<const PatternRecord> patterns_;
  Bytes pattern_db_;
};

/// SHA-256 over the whole file: the identity of an image.
[[nodiscard]] Sha256 sha256_of(Bytes bytes) noexcept;

}  // namespace sluice
