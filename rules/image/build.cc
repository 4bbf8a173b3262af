#include "rules/image/build.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "rules/image/assemble.h"
#include "rules/image/hash_index.h"
#include "rules/image/names_table.h"
#include "rules/image/pattern_db.h"
#include "rules/image/patterns_hash.h"
#include "rules/image/ref_lists.h"

#include <hs_runtime.h>

namespace sluice {
namespace {

/// Distinct texts, each with the targets that have it, in the order of first appearance.
class TargetGroups {
 public:
  static constexpr std::uint32_t kEnd = 0xffffffff;
  struct Group {
    std::string_view text;
    std::uint32_t first;
  };
  /// `expected` targets are most of what comes.
  explicit TargetGroups(std::size_t expected) : index_(expected) {
    groups_.reserve(expected);
    links_.reserve(expected);
  }

  void add(std::string_view text, const RefRecord& ref) {
    if (index_.full()) index_.grow([this](std::uint32_t i) { return hash(groups_[i].text); });
    const auto next = static_cast<std::uint32_t>(groups_.size());
    const std::uint32_t at =
        index_.find_or_add(hash(text), next, [&](std::uint32_t i) { return groups_[i].text == text; });
    if (at == next) groups_.push_back({text, kEnd});
    links_.push_back({ref, groups_[at].first});
    groups_[at].first = static_cast<std::uint32_t>(links_.size() - 1);
  }
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }
  void refs_of(const Group& group, std::vector<RefRecord>& out) const {
    out.clear();
    for (std::uint32_t at = group.first; at != kEnd; at = links_[at].next) out.push_back(links_[at].ref);
  }

 private:
  struct Link {
    RefRecord ref;
    std::uint32_t next;
  };
  static std::uint64_t hash(std::string_view text) { return std::hash<std::string_view>{}(text); }

  HashIndex index_;
  std::vector<Group> groups_;
  std::vector<Link> links_;
};

std::size_t targets_in(std::span<const Feed> feeds) {
  std::size_t targets = 0;
  for (const Feed& feed : feeds) {
    for (const OrderWithTargets& order : feed.snapshot.orders) targets += order.targets.size();
  }
  return targets;
}

/// The Strings section in the making; equal texts are stored once.
class Strings {
 public:
  StringRef add(std::string_view text) {
    if (text.empty()) return {0, 0};
    const auto [at, is_new] = known_.try_emplace(std::string(text));
    if (is_new) {
      at->second = {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(text.size())};
      bytes_.insert(bytes_.end(), text.begin(), text.end());
    }
    return at->second;
  }
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::unordered_map<std::string, StringRef> known_;
};

/// What a user is told: English where the order has it, else its first language.
std::string_view reason_of(const Order& order) {
  const auto english = order.reason.find("en");
  if (english != order.reason.end()) return english->second;
  return order.reason.empty() ? std::string_view() : std::string_view(order.reason.begin()->second);
}

class ImageBuilder {
 public:
  ImageBuilder(const BuildOptions& options, std::size_t targets)
      : options_(options), names_(targets), expressions_(0) {}

  std::optional<BuildError> add_feeds(std::span<const Feed> feeds);
  std::optional<BuildError> add_targets();
  std::vector<std::uint8_t> finish(const Ed25519SecretKey& key);

 private:
  std::optional<BuildError> add_orders(const Feed& feed);
  void add_order(const Order& order, bool shadow);
  void collect(const OrderWithTargets& order);
  void add_patterns();
  void add_names_as_patterns();
  void add_pattern(const PatternSource& source, std::vector<RefRecord>& refs);
  std::optional<BuildError> compile();

  const BuildOptions& options_;
  std::vector<FeedRecord> feeds_;
  std::vector<OrderRecord> orders_;
  TargetGroups names_, expressions_;
  Strings strings_;
  RefLists ref_lists_;
  NamesTable table_;
  std::vector<PatternRecord> patterns_;
  std::vector<PatternSource> sources_;
  std::vector<std::uint8_t> pattern_db_;
  ImageHeader header_{};
};

std::optional<BuildError> ImageBuilder::add_feeds(std::span<const Feed> feeds) {
  if (feeds.size() > kMaxFeeds) return BuildError{BuildErrorCode::TooManyFeeds, "", std::to_string(feeds.size())};
  std::vector<std::size_t> ranked(feeds.size());
  for (std::size_t i = 0; i < ranked.size(); ++i) ranked[i] = i;
  std::ranges::sort(ranked, [&](std::size_t a, std::size_t b) { return stands_over(feeds[a], feeds[b]); });

  crypto_generichash_state seed;
  crypto_generichash_init(&seed, nullptr, 0, crypto_generichash_BYTES);
  for (const std::size_t i : ranked) {
    const SnapshotHeader& from = feeds[i].snapshot.header;
    const bool known = std::ranges::any_of(
        ranked, [&](std::size_t other) { return other != i && feeds[other].snapshot.header.feed == from.feed; });
    if (known) return BuildError{BuildErrorCode::DuplicateFeed, from.feed, from.feed};

    FeedRecord record{};
    record.name = strings_.add(from.feed);
    record.epoch = from.epoch;
    record.seq = from.seq;
    record.issued = from.issued;
    record.expires = from.expires;
    if (i < options_.snapshot_sha256.size()) record.snapshot_sha256 = options_.snapshot_sha256[i];
    record.priority = feeds[i].policy.priority;
    record.external = feeds[i].policy.external ? 1 : 0;
    crypto_generichash_update(&seed, record.snapshot_sha256.data(), record.snapshot_sha256.size());
    feeds_.push_back(record);
    if (auto error = add_orders(feeds[i])) return error;
  }
  std::array<std::uint8_t, crypto_generichash_BYTES> digest;
  crypto_generichash_final(&seed, digest.data(), digest.size());
  std::memcpy(&header_.hash_seed, digest.data(), sizeof header_.hash_seed);
  return std::nullopt;
}

std::optional<BuildError> ImageBuilder::add_orders(const Feed& feed) {
  struct Entry {
    std::string_view id;
    bool shadow;
    std::size_t at;
  };
  std::vector<Entry> sorted;
  for (std::size_t i = 0; i < feed.snapshot.orders.size(); ++i) {
    const Order& order = feed.snapshot.orders[i].order;
    if (feed.refused.contains(order.id)) continue;
    sorted.push_back({order.id, order.action == OrderAction::Block && feed.shadow.contains(i), i});
  }
  std::ranges::sort(sorted, {}, [](const Entry& entry) { return std::tuple(entry.id, entry.shadow, entry.at); });
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const Entry& entry = sorted[i];
    if (i > 0 && sorted[i - 1].id == entry.id && sorted[i - 1].shadow == entry.shadow) {
      return BuildError{BuildErrorCode::DuplicateOrder, feed.snapshot.header.feed, std::string(entry.id)};
    }
    collect(feed.snapshot.orders[entry.at]);
    add_order(feed.snapshot.orders[entry.at].order, entry.shadow);
  }
  return std::nullopt;
}

void ImageBuilder::add_order(const Order& order, bool shadow) {
  OrderRecord record{};
  record.effective = order.effective;
  record.expires = order.expires;
  record.feed = static_cast<std::uint32_t>(feeds_.size() - 1);
  record.action = static_cast<std::uint8_t>(order.action);
  record.methods = order.methods;
  record.qtypes = static_cast<std::uint8_t>(order.qtypes);
  record.shadow = shadow ? 1 : 0;
  record.id = strings_.add(order.id);
  record.number = strings_.add(order.number);
  record.authority = strings_.add(order.authority);
  record.law = strings_.add(order.law);
  record.reason = strings_.add(reason_of(order));
  record.appeal_url = strings_.add(order.appeal_url);
  orders_.push_back(record);
}

void ImageBuilder::collect(const OrderWithTargets& order) {
  const auto index = static_cast<std::uint32_t>(orders_.size());
  for (std::size_t t = 0; t < order.targets.size(); ++t) {
    if (const auto* named = std::get_if<NameTarget>(&order.targets[t])) {
      names_.add(named->name.text(), {index, 0, static_cast<std::uint8_t>(named->scope), {}});
    } else {
      const auto& pattern = std::get<PatternTarget>(order.targets[t]).pattern;
      expressions_.add(pattern, {index, static_cast<std::uint32_t>(t), static_cast<std::uint8_t>(Scope::Exact), {}});
    }
  }
}

std::optional<BuildError> ImageBuilder::add_targets() {
  BuildError too_many{BuildErrorCode::TooManyTargets, "",
                      std::to_string(names_.groups().size() + expressions_.groups().size())};
  header_.names = names_.groups().size();
  header_.patterns = expressions_.groups().size();
  add_patterns();
  std::vector<TableName> table_names;
  if (options_.engine == MatchEngine::Hyperscan) {
    if (header_.names + header_.patterns > kMaxHyperscanTargets) return too_many;
    add_names_as_patterns();
  } else {
    table_names.reserve(names_.groups().size());
    std::vector<RefRecord> refs;
    for (const auto& group : names_.groups()) {
      names_.refs_of(group, refs);
      table_names.push_back({group.text, ref_lists_.intern(refs)});
    }
  }
  if (ref_lists_.lists().size() > kMaxRefLists) return too_many;
  std::optional<NamesTable> table = build_names_table(table_names, header_.hash_seed);
  if (!table) return too_many;
  table_ = std::move(*table);
  header_.max_probe = table_.max_probe;
  header_.single_label = table_.single_label ? 1 : 0;
  return compile();
}

void ImageBuilder::add_patterns() {
  std::vector<RefRecord> refs;
  for (const auto& group : expressions_.groups()) {
    expressions_.refs_of(group, refs);
    add_pattern({group.text, PatternKind::Pattern}, refs);
  }
}

void ImageBuilder::add_names_as_patterns() {
  std::vector<RefRecord> refs, scoped;
  for (const auto& group : names_.groups()) {
    names_.refs_of(group, refs);
    for (const auto& [scope, kind] :
         {std::pair(Scope::Exact, PatternKind::Exact), std::pair(Scope::Subtree, PatternKind::Subtree)}) {
      scoped.clear();
      std::ranges::copy_if(refs, std::back_inserter(scoped), [wanted = scope](const RefRecord& ref) {
        return ref.scope == static_cast<std::uint8_t>(wanted);
      });
      if (!scoped.empty()) add_pattern({group.text, kind}, scoped);
    }
  }
}

void ImageBuilder::add_pattern(const PatternSource& source, std::vector<RefRecord>& refs) {
  sources_.push_back(source);
  patterns_.push_back({strings_.add(source.text), ref_lists_.intern(refs), static_cast<std::uint8_t>(source.kind), {}});
}

std::optional<BuildError> ImageBuilder::compile() {
  if (sources_.empty()) return std::nullopt;
  auto compiled = compile_patterns(sources_);
  if (!compiled) {
    const PatternError& error = compiled.error();
    if (error.out_of_memory) return BuildError{BuildErrorCode::OutOfMemory, "", error.message};
    const OrderRecord& order = orders_[ref_lists_.refs()[ref_lists_.lists()[patterns_[error.index].refs].first].order];
    const auto text = [this](StringRef ref) {
      return std::string(reinterpret_cast<const char*>(strings_.bytes().data()) + ref.offset, ref.bytes);
    };
    return BuildError{BuildErrorCode::BadPattern, text(feeds_[order.feed].name),
                      text(order.id) + ": " + std::string(sources_[error.index].text) + ": " + error.message};
  }
  pattern_db_ = std::move(*compiled);
  PatternsHash hash;
  for (const PatternSource& source : sources_) hash.add(source.kind, source.text);
  header_.patterns_sha256 = hash.finish();
  std::strncpy(header_.hs_version.data(), hs_version(), header_.hs_version.size() - 1);
  return std::nullopt;
}

std::vector<std::uint8_t> ImageBuilder::finish(const Ed25519SecretKey& key) {
  header_.engine = static_cast<std::uint32_t>(options_.engine);
  std::array<SectionBytes, kSectionCount> sections;
  const auto put = [&](Section which, SectionBytes bytes) { sections[static_cast<std::size_t>(which)] = bytes; };
  put(Section::Feeds, section_of(feeds_));
  put(Section::Orders, section_of(orders_));
  put(Section::Strings, section_of(strings_.bytes()));
  put(Section::RefLists, section_of(ref_lists_.lists()));
  put(Section::Refs, section_of(ref_lists_.refs()));
  put(Section::Filter, section_of(table_.filter));
  put(Section::Buckets, section_of(table_.buckets));
  SectionBytes records = section_of(table_.records);
  records.count = options_.engine == MatchEngine::Table ? header_.names : 0;
  put(Section::Records, records);
  put(Section::Patterns, section_of(patterns_));
  put(Section::PatternDb, section_of(pattern_db_));
  return assemble_image(header_, sections, key);
}

}  // namespace

std::string_view to_string(BuildErrorCode code) noexcept {
  switch (code) {
    case BuildErrorCode::TooManyFeeds: return "too-many-feeds";
    case BuildErrorCode::DuplicateFeed: return "duplicate-feed";
    case BuildErrorCode::DuplicateOrder: return "duplicate-order";
    case BuildErrorCode::BadPattern: return "bad-pattern";
    case BuildErrorCode::TooManyTargets: return "too-many-targets";
    case BuildErrorCode::OutOfMemory: return "out-of-memory";
  }
  return "unknown";
}

Result<std::vector<std::uint8_t>, BuildError> build_image(std::span<const Feed> feeds, const BuildOptions& options,
                                                          const Ed25519SecretKey& key) {
  ImageBuilder builder(options, targets_in(feeds));
  if (auto error = builder.add_feeds(feeds)) return std::unexpected(std::move(*error));
  if (auto error = builder.add_targets()) return std::unexpected(std::move(*error));
  return builder.finish(key);
}

}  // namespace sluice
