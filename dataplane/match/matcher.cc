#include "dataplane/match/matcher.h"

#include <algorithm>
#include <new>
#include <utility>

#include "dataplane/match/judge.h"
#include "dataplane/match/names_walk.h"
#include "dataplane/match/pattern_scan.h"
#include "dataplane/match/private_memory.h"

namespace sluice {
namespace {

/// What one worker writes while it looks up.
struct alignas(64) WorkerMemory {
  NameHits hits;
  std::unique_ptr<Match[]> matches;  // of one name: one for each suffix and each pattern
};

}  // namespace

struct RuleSet::Parts {
  PrivateMemory memory;
  ImageView image;
  PatternScan patterns;
  Sha256 sha256{};
  std::vector<ImageFeed> feeds;
  std::vector<ImageOrder> orders;
  std::unique_ptr<WorkerMemory[]> workers;
  std::size_t memory_bytes = 0;

  void index(unsigned worker_count);
  [[nodiscard]] std::span<const Match> gather(std::size_t name, std::string_view text, unsigned worker) const noexcept;
};

void RuleSet::Parts::index(unsigned worker_count) {
  for (std::size_t i = 0; i < image.feeds().size(); ++i) feeds.push_back(image.feed(i));
  orders.reserve(image.orders().size());
  for (std::size_t i = 0; i < image.orders().size(); ++i) orders.push_back(image.order(i));
  workers = std::make_unique<WorkerMemory[]>(worker_count);
  const std::size_t room = kMaxLabels + image.patterns().size();
  for (unsigned w = 0; w < worker_count; ++w) workers[w].matches = std::make_unique<Match[]>(room);
  memory_bytes = memory.size() + patterns.memory_bytes() + orders.size() * sizeof(ImageOrder) +
                 worker_count * (sizeof(WorkerMemory) + room * sizeof(Match));
}

/// All targets that match one name: from the names table, from the pattern database.
std::span<const Match> RuleSet::Parts::gather(std::size_t name, std::string_view text, unsigned worker) const noexcept {
  WorkerMemory& own = workers[worker];
  std::size_t count = 0;
  for (std::uint16_t at = own.hits.first[name]; at != NameHits::kNoHit && count < kMaxLabels;) {
    const NameHit& hit = own.hits.hits[at];
    own.matches[count++] = {hit.refs, 0, hit.length};
    at = hit.next;
  }
  if (patterns.empty()) return {own.matches.get(), count};
  for (const std::uint32_t id : patterns.scan(text, worker)) {
    const PatternRecord& record = image.patterns()[id];
    const bool name_target = static_cast<PatternKind>(record.kind) != PatternKind::Pattern;
    own.matches[count++] = {record.refs, id, static_cast<std::uint16_t>(name_target ? record.text.bytes : 0)};
  }
  return {own.matches.get(), count};
}

RuleSet::RuleSet(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
RuleSet::~RuleSet() = default;

Result<std::unique_ptr<RuleSet>, ImageError> RuleSet::open(std::vector<std::uint8_t> bytes, const Ed25519PublicKey& key,
                                                           unsigned workers) try {
  auto parts = std::make_unique<Parts>();
  parts->memory = PrivateMemory(bytes);
  bytes = {};
  const auto view = ImageView::open(parts->memory.bytes(), key);
  if (!view) return std::unexpected(view.error());
  parts->image = *view;
  auto patterns = PatternScan::open(parts->image, workers);
  if (!patterns) return std::unexpected(patterns.error());
  parts->patterns = std::move(*patterns);
  parts->sha256 = sha256_of(parts->memory.bytes());
  parts->index(workers);
  return std::unique_ptr<RuleSet>(new RuleSet(std::move(parts)));
} catch (const std::bad_alloc&) {
  return std::unexpected(ImageError::TooLarge);
}

void RuleSet::lookup(std::span<const Lookup> in, std::span<Decision> out, UnixSeconds now,
                     unsigned worker) const noexcept {
  const Parts& parts = *parts_;
  WorkerMemory& own = parts.workers[worker];
  walk_names(parts.image, in, own.hits);
  for (std::size_t i = 0; i < in.size(); ++i) {
    out[i] = {};
    if (in[i].name == nullptr) continue;
    if (own.hits.first[i] == NameHits::kNoHit && parts.patterns.empty()) continue;
    const std::string_view name = in[i].name->text();
    out[i] = judge(parts.image, parts.gather(i, name, worker), name.size(), in[i], now);
  }
}

std::span<const ImageFeed> RuleSet::feeds() const noexcept {
  return parts_->feeds;
}
std::span<const ImageOrder> RuleSet::orders() const noexcept {
  return parts_->orders;
}
std::uint64_t RuleSet::names() const noexcept {
  return parts_->image.header().names;
}
std::uint64_t RuleSet::patterns() const noexcept {
  return parts_->image.header().patterns;
}
MatchEngine RuleSet::engine() const noexcept {
  return parts_->image.engine();
}

std::string_view RuleSet::target_text(const Decision& decision, std::string_view name) const noexcept {
  if (decision.order == kNoOrder) return {};
  if (decision.target.pattern) return parts_->image.text(parts_->image.patterns()[decision.pattern].text);
  return name.substr(name.size() - std::min<std::size_t>(name.size(), decision.target.length));
}

const Sha256& RuleSet::image_sha256() const noexcept {
  return parts_->sha256;
}
std::size_t RuleSet::memory_bytes() const noexcept {
  return parts_->memory_bytes;
}

}  // namespace sluice
