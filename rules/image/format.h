#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sluice {

// The rule image, byte by byte. All integers are little-endian. One file:
//
//   ImageHeader | section 0 | section 1 | … | section kSectionCount-1
//
// Every section begins at the next multiple of 64 after the one before it ends (the first one: after the header); the
// gaps and the tail up to the next multiple of 64 are zero bytes. So a file has exactly one layout, and its size is a
// multiple of 64. The same feeds give the same bytes; there is no date of building in it.
//
// ImageHeader (offset, size, meaning):
//     0   8  magic "SLUICEIM"
//     8   4  version, kImageVersion
//    12   4  header_bytes, sizeof(ImageHeader)
//    16   8  file_bytes, header and body
//    24  64  body_hash, BLAKE2b-512 (RFC 7693) of bytes [header_bytes, file_bytes)
//    88   4  engine, MatchEngine
//    92   4  max_probe, buckets after its own in which an entry may stand (names table)
//    96   8  hash_seed of the names table
//   104   8  names, distinct names in all targets
//   112   8  patterns, distinct expressions in all pattern targets
//   120   4  single_label, 1 where a name of one label is a target, else 0
//   124   4  zero
//   128  32  patterns_sha256, SHA-256 over what PatternDb was compiled from: of each pattern in turn its kind (1 byte),
//            the length of its text (4 bytes) and the text; zero where there are none
//   160  32  hs_version, version of the Hyperscan that compiled it, zero-padded
//   192 240  sections, kSectionCount × {offset 8, bytes 8, count 8}: from the file's first byte, without padding,
//   records 432  16  zero 448  64  signature, Ed25519 (RFC 8032) over bytes [0, 448) 512      body
static_assert(std::endian::native == std::endian::little, "the image is read in place");

inline constexpr std::array<char, 8> kImageMagic{'S', 'L', 'U', 'I', 'C', 'E', 'I', 'M'};
/// 2 brought OrderRecord::shadow, in a byte that was zero in every image of version 1: those are read as they are. A
/// reader of version 1 refuses version 2, and is right: it would enforce what is in shadow.
inline constexpr std::uint32_t kImageVersion = 2;
inline constexpr std::uint32_t kOldestImageVersion = 1;
inline constexpr std::size_t kSectionAlign = 64;

inline constexpr std::size_t kMaxFeeds = 64;            ///< one bit each in a machine word
inline constexpr std::uint32_t kMaxProbe = 64;          ///< buckets after its own that a look-up may visit
inline constexpr std::uint32_t kMaxRefLists = 1 << 24;  ///< 24 bits of a name record

enum class Section : std::uint8_t {
  Feeds,      ///< FeedRecord, the highest first (stands_over)
  Orders,     ///< OrderRecord, by feed, then by id, of one id first what is enforced
  Strings,    ///< UTF-8 without terminators; count = bytes
  RefLists,   ///< RefListRecord: the orders behind a name or a pattern, shared by all that have the same
  Refs,       ///< RefRecord
  Filter,     ///< 64-bit words of the Bloom filter
  Buckets,    ///< Bucket
  Records,    ///< names, see kRecordTail; count = number of names
  Patterns,   ///< PatternRecord; index = Hyperscan id
  PatternDb,  ///< hs_serialize_database(); empty where there are no patterns; count = bytes
};
inline constexpr std::size_t kSectionCount = 10;

struct SectionRecord {
  std::uint64_t offset;
  std::uint64_t bytes;
  std::uint64_t count;
};
static_assert(sizeof(SectionRecord) == 24 && alignof(SectionRecord) == 8);

struct ImageHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t file_bytes;
  std::array<std::uint8_t, 64> body_hash;
  std::uint32_t engine;
  std::uint32_t max_probe;
  std::uint64_t hash_seed;
  std::uint64_t names;
  std::uint64_t patterns;
  std::uint32_t single_label;
  std::uint32_t reserved;
  std::array<std::uint8_t, 32> patterns_sha256;
  std::array<char, 32> hs_version;
  std::array<SectionRecord, kSectionCount> sections;
  std::array<std::uint8_t, 16> reserved_end;
  std::array<std::uint8_t, 64> signature;
};
static_assert(sizeof(ImageHeader) == 512 && alignof(ImageHeader) == 8);
static_assert(offsetof(ImageHeader, body_hash) == 24 && offsetof(ImageHeader, hash_seed) == 96);
static_assert(offsetof(ImageHeader, sections) == 192 && offsetof(ImageHeader, signature) == 448);
inline constexpr std::size_t kSignedBytes = offsetof(ImageHeader, signature);

/// Text in the Strings section.
struct StringRef {
  std::uint32_t offset;
  std::uint32_t bytes;
};
static_assert(sizeof(StringRef) == 8);

struct FeedRecord {
  StringRef name;
  std::uint64_t epoch;
  std::uint64_t seq;
  std::int64_t issued;   ///< seconds since 1970
  std::int64_t expires;  ///< seconds since 1970
  std::array<std::uint8_t, 32> snapshot_sha256;
  std::uint8_t priority;
  std::uint8_t external;  ///< 0 or 1
  std::array<std::uint8_t, 6> reserved;
};
static_assert(sizeof(FeedRecord) == 80 && alignof(FeedRecord) == 8);

struct OrderRecord {
  std::int64_t effective;  ///< seconds since 1970
  std::int64_t expires;    ///< seconds since 1970
  std::uint32_t feed;      ///< index of the feed
  std::uint8_t action;     ///< OrderAction
  std::uint8_t methods;    ///< MethodSet
  std::uint8_t qtypes;     ///< QtypeSet
  std::uint8_t shadow;     ///< 1: a block that is counted as observed and not enforced; else 0
  StringRef id;
  StringRef number;
  StringRef authority;
  StringRef law;
  StringRef reason;
  StringRef appeal_url;
};
static_assert(sizeof(OrderRecord) == 72 && alignof(OrderRecord) == 8);

struct RefListRecord {
  std::uint32_t first;  ///< index of its first RefRecord
  std::uint32_t count;  ///< at least 1
};
static_assert(sizeof(RefListRecord) == 8);

/// One target of one order.
struct RefRecord {
  std::uint32_t order;
  std::uint32_t target;  ///< patterns: place among the targets of its order, which breaks ties; names: 0
  std::uint8_t scope;    ///< Scope; patterns: Scope::Exact
  std::array<std::uint8_t, 7> reserved;
};
static_assert(sizeof(RefRecord) == 16);

// The names table. A name's hash is chained over its labels from the right (name_hash.h). For every target name there
// is an entry, and for each of its proper suffixes of two or more labels another one, so that a look-up from the right
// may stop at the first suffix that has none. The filter holds the suffixes of two labels alone (FilterProbe::bits are
// set in its word): most look-ups end there, and those that do not are likely to go on. An entry stands in the bucket
// of its hash or in the next one (the first follows the last) that had a free slot, at most max_probe buckets on; a
// look-up stops at a bucket with a free slot.
//
// tags: bucket_tag() of the hash, 0 = free slot; free slots are the last ones. entries: kEntryTarget and the place of
// its record in 4-byte units, kEntryParent where longer names with this suffix exist; one of the two is set, or both.
struct Bucket {
  static constexpr std::size_t kSlots = 8;
  std::array<std::uint32_t, kSlots> tags;
  std::array<std::uint32_t, kSlots> entries;
};
static_assert(sizeof(Bucket) == 64);
inline constexpr std::uint32_t kEntryTarget = 0x80000000;
inline constexpr std::uint32_t kEntryParent = 0x40000000;
inline constexpr std::uint32_t kEntryPlace = 0x3fffffff;
inline constexpr std::size_t kPlaceBytes = 4;

// A name record: 4 bytes, of which the low 8 bits are the length of the name and the others the index of its RefList;
// the name; zero bytes up to a multiple of 4. The section ends in kRecordTail zero bytes, so that a name may be
// compared in whole vectors.
inline constexpr std::size_t kRecordTail = 16;
inline constexpr std::size_t kRecordHead = 4;
[[nodiscard]] constexpr std::size_t record_bytes(std::size_t name_bytes) noexcept {
  return (kRecordHead + name_bytes + kPlaceBytes - 1) / kPlaceBytes * kPlaceBytes;
}

/// What an expression of the pattern database stands for.
enum class PatternKind : std::uint8_t {
  Pattern,  ///< the text is an expression
  Exact,    ///< the text is a name (MatchEngine::Hyperscan)
  Subtree,  ///< the text is a name, and all below it are meant as well (MatchEngine::Hyperscan)
};

struct PatternRecord {
  StringRef text;
  std::uint32_t refs;  ///< index of its RefList
  std::uint8_t kind;   ///< PatternKind
  std::array<std::uint8_t, 3> reserved;
};
static_assert(sizeof(PatternRecord) == 16);

}  // namespace sluice
