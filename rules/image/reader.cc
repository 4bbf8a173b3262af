#include "rules/image/reader.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <optional>
#include <vector>

#include "rules/image/patterns_hash.h"
#include "rules/image/utf8.h"
#include "rules/model/name.h"

namespace sluice {

/// The checks of ImageView::check_sections(), one short step each.
class SectionCheck {
 public:
  explicit SectionCheck(Bytes bytes) noexcept : bytes_(bytes) {
    view_.header_ = reinterpret_cast<const ImageHeader*>(bytes.data());
  }
  [[nodiscard]] std::optional<ImageError> run() noexcept;
  [[nodiscard]] const ImageView& view() const noexcept { return view_; }

 private:
  [[nodiscard]] bool layout() noexcept;
  [[nodiscard]] bool counts() const noexcept;
  [[nodiscard]] bool feeds() const noexcept;
  [[nodiscard]] bool orders() const noexcept;
  [[nodiscard]] bool ref_lists() const noexcept;
  [[nodiscard]] bool patterns() const noexcept;
  [[nodiscard]] bool names() const;
  [[nodiscard]] bool records(std::vector<bool>& begins) const;
  [[nodiscard]] bool bucket(const Bucket& bucket, const std::vector<bool>& begins) const noexcept;

  template <class Record>
  [[nodiscard]] bool take(Section which, std::span<const Record>& out) const noexcept;
  [[nodiscard]] const SectionRecord& section(Section which) const noexcept {
    return view_.header_->sections[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] bool is_text(StringRef ref) const noexcept {
    return std::uint64_t{ref.offset} + ref.bytes <= view_.strings_.size() && is_utf8(view_.text(ref));
  }

  Bytes bytes_;
  ImageView view_;
};

/// Sections lie one behind the other without a hole: the one layout that the writer makes.
bool SectionCheck::layout() noexcept {
  std::uint64_t at = sizeof(ImageHeader);
  for (const SectionRecord& section : view_.header_->sections) {
    if (section.offset != at || section.bytes > bytes_.size() - at) return false;
    at = (at + section.bytes + kSectionAlign - 1) / kSectionAlign * kSectionAlign;
    if (at > bytes_.size()) return false;
  }
  return at == bytes_.size() && at == view_.header_->file_bytes && take(Section::Feeds, view_.feeds_) &&
         take(Section::Orders, view_.orders_) && take(Section::Strings, view_.strings_) &&
         take(Section::RefLists, view_.ref_lists_) && take(Section::Refs, view_.refs_) &&
         take(Section::Filter, view_.filter_) && take(Section::Buckets, view_.buckets_) &&
         take(Section::Patterns, view_.patterns_) && take(Section::PatternDb, view_.pattern_db_);
}

template <class Record>
bool SectionCheck::take(Section which, std::span<const Record>& out) const noexcept {
  const SectionRecord& from = section(which);
  if (from.bytes % sizeof(Record) != 0 || from.count != from.bytes / sizeof(Record)) return false;
  out = {reinterpret_cast<const Record*>(bytes_.data() + from.offset), static_cast<std::size_t>(from.count)};
  return true;
}

bool SectionCheck::counts() const noexcept {
  const ImageHeader& header = *view_.header_;
  const bool table = view_.engine() == MatchEngine::Table;
  constexpr std::uint64_t kIndices = 0xffffffff;
  return header.engine <= static_cast<std::uint32_t>(MatchEngine::Hyperscan) && header.max_probe <= kMaxProbe &&
         header.single_label <= 1 && view_.feeds_.size() <= kMaxFeeds && view_.orders_.size() < kIndices &&
         view_.ref_lists_.size() <= kMaxRefLists && view_.patterns_.size() < kIndices && !view_.filter_.empty() &&
         view_.filter_.size() < kIndices && !view_.buckets_.empty() && view_.buckets_.size() < kIndices &&
         section(Section::Records).count == (table ? header.names : 0) &&
         view_.patterns_.empty() == view_.pattern_db_.empty() &&
         (table ? header.patterns == view_.patterns_.size() : header.patterns <= view_.patterns_.size());
}

bool SectionCheck::feeds() const noexcept {
  return std::ranges::all_of(view_.feeds_,
                             [this](const FeedRecord& feed) { return is_text(feed.name) && feed.external <= 1; });
}

bool SectionCheck::orders() const noexcept {
  return std::ranges::all_of(view_.orders_, [this](const OrderRecord& order) {
    return order.feed < view_.feeds_.size() && order.action <= static_cast<std::uint8_t>(OrderAction::Allow) &&
           order.methods <= kAllMethods && order.qtypes <= static_cast<std::uint8_t>(QtypeSet::All) &&
           order.shadow <= (order.action == static_cast<std::uint8_t>(OrderAction::Block) ? 1 : 0) &&
           is_text(order.id) && is_text(order.number) && is_text(order.authority) && is_text(order.law) &&
           is_text(order.reason) && is_text(order.appeal_url);
  });
}

bool SectionCheck::ref_lists() const noexcept {
  return std::ranges::all_of(view_.ref_lists_,
                             [this](const RefListRecord& list) {
                               return list.count > 0 && std::uint64_t{list.first} + list.count <= view_.refs_.size();
                             }) &&
         std::ranges::all_of(view_.refs_, [this](const RefRecord& ref) {
           return ref.order < view_.orders_.size() && ref.scope <= static_cast<std::uint8_t>(Scope::Subtree);
         });
}

bool SectionCheck::patterns() const noexcept {
  const std::uint8_t last_kind =
      static_cast<std::uint8_t>(view_.engine() == MatchEngine::Table ? PatternKind::Pattern : PatternKind::Subtree);
  return std::ranges::all_of(view_.patterns_, [&](const PatternRecord& pattern) {
    return pattern.refs < view_.ref_lists_.size() && pattern.kind <= last_kind && is_text(pattern.text) &&
           (pattern.kind == static_cast<std::uint8_t>(PatternKind::Pattern) || pattern.text.bytes <= kMaxNameBytes);
  });
}

/// Records follow one another from the first byte to the tail. begins[i]: one begins at place i.
bool SectionCheck::records(std::vector<bool>& begins) const {
  const SectionRecord& from = section(Section::Records);
  if (from.bytes < kRecordTail || from.bytes % kPlaceBytes != 0) return false;
  const Bytes all = bytes_.subspan(from.offset, from.bytes);
  const std::size_t end = all.size() - kRecordTail;
  if (end / kPlaceBytes > kEntryPlace) return false;
  begins.assign(end / kPlaceBytes, false);
  std::uint64_t found = 0;
  for (std::size_t at = 0; at < end; ++found) {
    std::uint32_t head;
    std::memcpy(&head, &all[at], sizeof head);
    const std::size_t length = head & 0xff;
    if (length == 0 || length > kMaxNameBytes || head >> 8 >= view_.ref_lists_.size()) return false;
    if (record_bytes(length) > end - at) return false;
    begins[at / kPlaceBytes] = true;
    at += record_bytes(length);
  }
  return found == from.count;
}

bool SectionCheck::bucket(const Bucket& bucket, const std::vector<bool>& begins) const noexcept {
  bool free_seen = false;
  for (std::size_t i = 0; i < Bucket::kSlots; ++i) {
    const std::uint32_t entry = bucket.entries[i];
    if ((bucket.tags[i] == 0) != (entry == 0)) return false;
    if (entry == 0) {
      free_seen = true;
      continue;
    }
    if (free_seen || (entry & (kEntryTarget | kEntryParent)) == 0) return false;
    const std::uint32_t place = entry & kEntryPlace;
    if ((entry & kEntryTarget) == 0 ? place != 0 : place >= begins.size() || !begins[place]) return false;
  }
  return true;
}

bool SectionCheck::names() const {
  std::vector<bool> begins;
  return records(begins) &&
         std::ranges::all_of(view_.buckets_, [&](const Bucket& each) { return bucket(each, begins); });
}

std::optional<ImageError> SectionCheck::run() noexcept {
  if (!layout() || !counts()) return ImageError::BadSection;
  const SectionRecord& from = section(Section::Records);
  view_.records_ = bytes_.subspan(from.offset, from.bytes);
  if (!feeds() || !orders() || !ref_lists() || !patterns()) return ImageError::BadIndex;
  try {
    return names() ? std::nullopt : std::optional(ImageError::BadIndex);
  } catch (const std::bad_alloc&) {
    return ImageError::TooLarge;
  }
}

namespace {

Sha256 patterns_hash(const ImageView& view) noexcept {
  PatternsHash hash;
  for (const PatternRecord& pattern : view.patterns()) {
    hash.add(static_cast<PatternKind>(pattern.kind), view.text(pattern.text));
  }
  return hash.finish();
}

}  // namespace

Result<ImageView, ImageError> ImageView::check_sections(Bytes bytes) noexcept {
  if (bytes.size() < sizeof(ImageHeader)) return std::unexpected(ImageError::Truncated);
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(ImageHeader) != 0) {
    return std::unexpected(ImageError::BadSection);
  }
  SectionCheck check(bytes);
  if (const auto error = check.run()) return std::unexpected(*error);
  return check.view();
}

Result<ImageView, ImageError> ImageView::open(Bytes bytes, const Ed25519PublicKey& key) noexcept {
  if (bytes.size() < sizeof(ImageHeader)) return std::unexpected(ImageError::Truncated);
  ImageHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kImageMagic) return std::unexpected(ImageError::BadMagic);
  if (header.version < kOldestImageVersion || header.version > kImageVersion ||
      header.header_bytes != sizeof(ImageHeader)) {
    return std::unexpected(ImageError::BadVersion);
  }
  if (crypto_sign_verify_detached(header.signature.data(), bytes.data(), kSignedBytes, key.data()) != 0) {
    return std::unexpected(ImageError::BadSignature);
  }
  if (bytes.size() < header.file_bytes) return std::unexpected(ImageError::Truncated);
  std::array<std::uint8_t, sizeof header.body_hash> hash;
  const Bytes body = bytes.subspan(sizeof(ImageHeader));
  crypto_generichash(hash.data(), hash.size(), body.data(), body.size(), nullptr, 0);
  if (hash != header.body_hash) return std::unexpected(ImageError::BadHash);
  Result<ImageView, ImageError> view = check_sections(bytes);
  if (view.has_value() && !view->pattern_db().empty() && patterns_hash(*view) != header.patterns_sha256) {
    return std::unexpected(ImageError::BadPatternDb);
  }
  return view;
}

ImageFeed ImageView::feed(std::size_t index) const noexcept {
  const FeedRecord& from = feeds_[index];
  return {text(from.name), from.epoch,           from.seq,      from.issued,
          from.expires,    from.snapshot_sha256, from.priority, from.external != 0};
}

ImageOrder ImageView::order(std::size_t index) const noexcept {
  const OrderRecord& from = orders_[index];
  return {text(from.id),
          text(from.number),
          text(from.authority),
          text(from.law),
          text(from.reason),
          text(from.appeal_url),
          from.effective,
          from.expires,
          from.feed,
          static_cast<OrderAction>(from.action),
          from.methods,
          static_cast<QtypeSet>(from.qtypes),
          from.shadow != 0};
}

Sha256 sha256_of(Bytes bytes) noexcept {
  Sha256 hash;
  crypto_hash_sha256(hash.data(), bytes.data(), bytes.size());
  return hash;
}

std::string_view to_string(ImageError error) noexcept {
  switch (error) {
    case ImageError::Truncated: return "truncated";
    case ImageError::BadMagic: return "bad-magic";
    case ImageError::BadVersion: return "bad-version";
    case ImageError::BadSignature: return "bad-signature";
    case ImageError::BadHash: return "bad-hash";
    case ImageError::BadSection: return "bad-section";
    case ImageError::BadIndex: return "bad-index";
    case ImageError::BadPatternDb: return "bad-pattern-db";
    case ImageError::TooLarge: return "too-large";
  }
  return "unknown";
}

}  // namespace sluice
