#include "rules/image/names_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "rules/image/hash_index.h"
#include "rules/image/name_hash.h"
#include "rules/model/name.h"

namespace sluice {
namespace {

// 3/4 full: 8 slots a bucket, of which 6 are taken on average.
constexpr std::size_t kTakenSlots = 6;
constexpr std::size_t kFilterBitsPerEntry = 16;
// The first attempt fits but for names of one hash by the hundred, which nobody finds by chance.
constexpr int kPlaceAttempts = 4;

/// One entry to be: the hash of a suffix, and what the table says of it.
struct Node {
  std::uint64_t hash = 0;
  std::uint32_t name = 0;  ///< index + 1 of the target; 0: only a parent
  bool parent = false;
  bool two_labels = false;
};

/// Hashes of all suffixes of a name, shortest first.
class Suffixes {
 public:
  explicit Suffixes(std::uint64_t seed) : seed_(seed) {}

  void read(std::string_view name) {
    std::memcpy(text_.data() + kHashReadsBefore, name.data(), name.size());
    const char* const begin = text_.data() + kHashReadsBefore;
    const char* end = begin + name.size();
    std::uint64_t hash = seed_;
    count_ = 0;
    for (const char* at = end; at >= begin; --at) {
      if (at != begin && at[-1] != '.') continue;
      hash = hash_label(hash, end, static_cast<std::size_t>(end - at));
      hashes_[count_++] = hash;
      end = at - 1;
    }
  }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::uint64_t operator[](std::size_t i) const { return hashes_[i]; }

 private:
  std::uint64_t seed_;
  std::array<char, kHashReadsBefore + kMaxNameBytes> text_{};
  std::array<std::uint64_t, kMaxLabels> hashes_{};
  std::size_t count_ = 0;
};

/// The distinct entries. Parents are told apart by their hash alone: two of one hash share tag and bucket, so that one
/// entry speaks for both. Targets are distinct names by the caller's promise, whatever their hashes.
class Nodes {
 public:
  explicit Nodes(std::size_t names) : index_(names) { nodes_.reserve(names * 2); }

  void prefetch(const Suffixes& suffixes) const {
    for (std::size_t i = 0; i < suffixes.count(); ++i) index_.prefetch(suffixes[i]);
  }
  void add(const Suffixes& suffixes, std::uint32_t name) {
    const std::size_t last = suffixes.count() - 1;
    add_target(suffixes[last], name);
    for (std::size_t i = 1; i < last; ++i) find_or_add(suffixes[i]).parent = true;
    if (last > 0) find_or_add(suffixes[1]).two_labels = true;
  }
  [[nodiscard]] const std::vector<Node>& all() const { return nodes_; }

 private:
  void add_target(std::uint64_t hash, std::uint32_t name) {
    Node& node = find_or_add(hash);
    if (node.name == 0) {
      node.name = name;
    } else {
      nodes_.push_back({hash, name, false, false});  // another name of the same hash: an entry of its own
    }
  }

  Node& find_or_add(std::uint64_t hash) {
    if (index_.full()) index_.grow([this](std::uint32_t i) { return nodes_[i].hash; });
    const auto next = static_cast<std::uint32_t>(nodes_.size());
    const std::uint32_t at = index_.find_or_add(hash, next, [&](std::uint32_t i) { return nodes_[i].hash == hash; });
    if (at == next) nodes_.push_back({hash, 0, false, false});
    return nodes_[at];
  }

  HashIndex index_;
  std::vector<Node> nodes_;
};

/// Some names at a time, so that memory is fetched for all of them at once.
Nodes nodes_of(const std::vector<TableName>& names, std::uint64_t seed, bool& single_label) {
  constexpr std::size_t kBlock = 16;
  Nodes nodes(names.size());
  std::vector<Suffixes> block(kBlock, Suffixes(seed));
  for (std::size_t begin = 0; begin < names.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, names.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      block[i].read(names[begin + i].name);
      nodes.prefetch(block[i]);
      single_label = single_label || block[i].count() == 1;
    }
    for (std::size_t i = 0; i < count; ++i) nodes.add(block[i], static_cast<std::uint32_t>(begin + i + 1));
  }
  return nodes;
}

/// Puts all nodes into `buckets` empty ones; the most buckets that one had to go on, nothing where over kMaxProbe.
std::optional<std::uint32_t> place(const std::vector<Node>& nodes, const std::vector<std::uint32_t>& places,
                                   std::size_t buckets, std::vector<Bucket>& out) {
  out.assign(buckets, Bucket{});
  std::vector<std::uint8_t> taken(buckets, 0);
  std::uint32_t longest = 0;
  for (const Node& node : nodes) {
    std::size_t b = bucket_index(node.hash, buckets);
    std::uint32_t probe = 0;
    while (taken[b] == Bucket::kSlots) {
      if (++probe > kMaxProbe) return std::nullopt;
      if (++b == buckets) b = 0;
    }
    longest = std::max(longest, probe);
    const std::size_t slot = taken[b]++;
    out[b].tags[slot] = bucket_tag(node.hash);
    out[b].entries[slot] =
        (node.name == 0 ? 0 : kEntryTarget | places[node.name - 1]) | (node.parent ? kEntryParent : 0);
  }
  return longest;
}

std::vector<std::uint64_t> build_filter(const std::vector<Node>& nodes) {
  const auto entries = static_cast<std::size_t>(std::ranges::count(nodes, true, &Node::two_labels));
  std::vector<std::uint64_t> words(std::max<std::size_t>(1, entries * kFilterBitsPerEntry / 64), 0);
  for (const Node& node : nodes) {
    if (!node.two_labels) continue;
    const FilterProbe probe = filter_probe(node.hash, words.size());
    words[probe.word] |= probe.bits;
  }
  return words;
}

}  // namespace

std::optional<NamesTable> build_names_table(const std::vector<TableName>& names, std::uint64_t seed) {
  NamesTable table;
  const Nodes nodes = nodes_of(names, seed, table.single_label);
  std::vector<std::uint32_t> places;
  places.reserve(names.size());
  std::size_t records = 0;
  for (const TableName& name : names) {
    places.push_back(static_cast<std::uint32_t>(records / kPlaceBytes));
    records += record_bytes(name.name.size());
    if (records / kPlaceBytes > kEntryPlace) return std::nullopt;
  }

  table.records.assign(records + kRecordTail, 0);
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::uint8_t* const at = table.records.data() + std::size_t{places[i]} * kPlaceBytes;
    const auto head = static_cast<std::uint32_t>(names[i].refs << 8 | names[i].name.size());
    std::memcpy(at, &head, kRecordHead);
    std::memcpy(at + kRecordHead, names[i].name.data(), names[i].name.size());
  }

  table.filter = build_filter(nodes.all());
  std::size_t buckets = nodes.all().size() / kTakenSlots + 1;
  for (int attempt = 0; attempt < kPlaceAttempts; ++attempt, buckets += buckets / 4) {
    if (const auto longest = place(nodes.all(), places, buckets, table.buckets)) {
      table.max_probe = *longest;
      return table;
    }
  }
  return std::nullopt;
}

}  // namespace sluice
