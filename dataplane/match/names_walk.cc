#include "dataplane/match/names_walk.h"

#include <emmintrin.h>

#include <bit>
#include <cstring>

#include "rules/image/name_hash.h"

namespace sluice {
namespace {

static_assert(WireName::kPad >= 64 && kHashReadsBefore <= WireName::kPad && kRecordTail >= 16);

/// Bit i: byte i of the 64 is a dot.
std::uint64_t dots_in(const char* p) noexcept {
  const __m128i dot = _mm_set1_epi8('.');
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    mask |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, dot))))
            << (16 * i);
  }
  return mask;
}

/// A name on its way from the last label to the first.
class Suffix {
 public:
  void start(std::string_view name, std::uint64_t seed, std::size_t index) noexcept {
    begin_ = name.data();
    name_end_ = label_end_ = begin_ + name.size();
    hash_ = seed;
    index_ = index;
    fill();
  }

  /// Takes one more label in. False, for good, at the start of the name or where it is not canonical.
  [[nodiscard]] bool extend() noexcept {
    if (label_end_ <= begin_) return false;
    if (dots_ == 0) fill();
    const auto length = static_cast<std::size_t>(std::countl_zero(dots_));
    if (length == 0 || length > kMaxLabelBytes) return false;
    dots_ = dots_ << length << 1;
    hash_ = hash_label(hash_, label_end_, length);
    text_ = label_end_ - length;
    label_end_ = text_ - 1;
    return true;
  }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] const char* text() const noexcept { return text_; }
  [[nodiscard]] std::size_t length() const noexcept { return static_cast<std::size_t>(name_end_ - text_); }
  [[nodiscard]] std::size_t index() const noexcept { return index_; }

 private:
  /// Dots in the 64 bytes that end the label; what stands before the name counts as one dot and nothing else.
  void fill() noexcept {
    dots_ = dots_in(label_end_ - 64);
    const auto left = static_cast<std::size_t>(label_end_ - begin_);
    if (left < 64) dots_ = ((dots_ >> (63 - left)) | 1) << (63 - left);
  }

  const char* begin_;
  const char* text_;
  const char* label_end_;
  const char* name_end_;
  std::uint64_t dots_;  // top bit: the byte before label_end_
  std::uint64_t hash_;
  std::size_t index_;
};

std::uint32_t slots_with(const Bucket& bucket, std::uint32_t tag) noexcept {
  const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
  const auto* const tags = reinterpret_cast<const __m128i*>(bucket.tags.data());
  const int low = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(_mm_loadu_si128(tags), wanted)));
  const int high = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(_mm_loadu_si128(tags + 1), wanted)));
  return static_cast<std::uint32_t>(low | high << 4);
}

/// Both sides are readable up to 15 bytes behind their end (WireName::kPad, kRecordTail).
bool same_text(const char* a, const char* b, std::size_t length) noexcept {
  for (std::size_t i = 0; i < length; i += 16) {
    const __m128i left = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
    const __m128i right = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i));
    const auto equal = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(left, right)));
    const std::uint32_t wanted = length - i >= 16 ? 0xffffU : (1U << (length - i)) - 1;
    if ((equal & wanted) != wanted) return false;
  }
  return true;
}

class Walk {
 public:
  Walk(const ImageView& image, NameHits& out) noexcept
      : filter_(image.filter().data()),
        filter_words_(image.filter().size()),
        buckets_(image.buckets().data()),
        bucket_count_(image.buckets().size()),
        records_(image.records()),
        seed_(image.header().hash_seed),
        max_probe_(image.header().max_probe),
        single_label_(image.header().single_label != 0),
        out_(out) {}

  void run(std::span<const Lookup> in) noexcept {
    start(in);
    filter();
    while (active_ > 0) probe();
    verify();
  }

 private:
  struct Candidate {
    const std::uint8_t* record;
    const char* text;
    std::uint32_t name, length;
  };

  /// Brings every name to its last two labels: no entry stands for a last label alone, unless it is a target.
  void start(std::span<const Lookup> in) noexcept {
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (in[i].name == nullptr) continue;
      Suffix& suffix = suffixes_[active_];
      suffix.start(in[i].name->text(), seed_, i);
      if (!suffix.extend()) continue;
      if (single_label_) (void)find(suffix);
      if (!suffix.extend()) continue;
      probes_[active_] = filter_probe(suffix.hash(), filter_words_);
      __builtin_prefetch(filter_ + probes_[active_].word);
      ++active_;
    }
  }

  /// Most names end here: nothing with their last two labels is listed.
  void filter() noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < active_; ++i) {
      if ((filter_[probes_[i].word] & probes_[i].bits) != probes_[i].bits) continue;
      prefetch_bucket(suffixes_[i]);
      if (kept != i) suffixes_[kept] = suffixes_[i];
      ++kept;
    }
    active_ = kept;
  }

  /// One round: a suffix of every name that is left; the names that have longer ones go on to the next round.
  void probe() noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < active_; ++i) {
      if (!find(suffixes_[i]) || !suffixes_[i].extend()) continue;
      prefetch_bucket(suffixes_[i]);
      if (kept != i) suffixes_[kept] = suffixes_[i];
      ++kept;
    }
    active_ = kept;
  }

  void prefetch_bucket(const Suffix& suffix) const noexcept {
    __builtin_prefetch(buckets_ + bucket_index(suffix.hash(), bucket_count_));
  }

  /// Notes every target that may be this suffix. True where longer names may follow.
  bool find(const Suffix& suffix) noexcept {
    const std::uint32_t tag = bucket_tag(suffix.hash());
    std::uint64_t b = bucket_index(suffix.hash(), bucket_count_);
    std::uint32_t seen = 0;
    for (std::uint32_t i = 0; i <= max_probe_; ++i) {
      const Bucket& bucket = buckets_[b];
      for (std::uint32_t slots = slots_with(bucket, tag); slots != 0; slots &= slots - 1) {
        const std::uint32_t entry = bucket.entries[static_cast<std::size_t>(std::countr_zero(slots))];
        seen |= entry;
        if ((entry & kEntryTarget) != 0) note(suffix, entry & kEntryPlace);
      }
      if (bucket.tags[Bucket::kSlots - 1] == 0) break;
      if (++b == bucket_count_) b = 0;
    }
    return (seen & kEntryParent) != 0;
  }

  void note(const Suffix& suffix, std::uint32_t place) noexcept {
    if (candidates_ == kCandidates) verify();
    const std::uint8_t* const record = records_ + std::size_t{place} * kPlaceBytes;
    __builtin_prefetch(record);
    candidate_[candidates_++] = {record, suffix.text(), static_cast<std::uint32_t>(suffix.index()),
                                 static_cast<std::uint32_t>(suffix.length())};
  }

  /// At the end, when the records have arrived.
  void verify() noexcept {
    for (std::size_t i = 0; i < candidates_; ++i) {
      const Candidate& at = candidate_[i];
      std::uint32_t head;
      std::memcpy(&head, at.record, sizeof head);
      const char* const text = reinterpret_cast<const char*>(at.record) + kRecordHead;
      if ((head & 0xff) == at.length && same_text(at.text, text, at.length)) out_.add(at.name, head >> 8, at.length);
    }
    candidates_ = 0;
  }

  static constexpr std::size_t kCandidates = 2 * RuleSet::kBatch;

  const std::uint64_t* const filter_;
  const std::uint64_t filter_words_;
  const Bucket* const buckets_;
  const std::uint64_t bucket_count_;
  const std::uint8_t* const records_;
  const std::uint64_t seed_;
  const std::uint32_t max_probe_;
  const bool single_label_;
  NameHits& out_;

  std::size_t active_ = 0, candidates_ = 0;
  std::array<Suffix, RuleSet::kBatch> suffixes_;
  std::array<FilterProbe, RuleSet::kBatch> probes_;
  std::array<Candidate, kCandidates> candidate_;
};

}  // namespace

void walk_names(const ImageView& image, std::span<const Lookup> in, NameHits& out) noexcept {
  out.clear();
  if (image.header().names == 0) return;
  Walk(image, out).run(in);
}

}  // namespace sluice
