#include "rules/compile/marks.h"

#include <algorithm>
#include <set>

#include "rules/image/standing.h"
#include "rules/sign/bundle_file.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxImageBytes = std::size_t{4} << 30;

Feed* find(std::span<Feed> feeds, const std::string& name) {
  const auto at = std::ranges::find(feeds, name, [](const Feed& feed) { return feed.snapshot.header.feed; });
  return at == feeds.end() ? nullptr : &*at;
}

CompileFailure unknown(const std::string& feed) {
  return {feed, "malformed", "marks a feed of which there is no bundle in the request"};
}

void put_in_shadow(Feed& feed, const std::string& order) {
  const auto& orders = feed.snapshot.orders;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    if (order.empty() || orders[i].order.id == order) feed.shadow.insert(i);
  }
}

std::optional<CompileFailure> stage(const StagedFeed& staged, const Ed25519PublicKey& key, Feed& feed) {
  if (staged.base.empty()) {
    stage_feed(feed, PriorRules());
    return std::nullopt;
  }
  const auto file = read_small_file(staged.base, kMaxImageBytes);
  if (!file) return CompileFailure{staged.feed, "compile-failed", "base: " + file.error().detail};
  const std::vector<std::uint8_t> bytes(file->begin(), file->end());
  const auto base = ImageView::open(bytes, key);
  if (!base) {
    return CompileFailure{staged.feed, "compile-failed",
                          staged.base + ": base: " + std::string(to_string(base.error()))};
  }
  stage_feed(feed, PriorRules(*base, staged.feed));
  return std::nullopt;
}

}  // namespace

std::optional<CompileFailure> apply_marks(const CompileRequest& request, const Ed25519PublicKey& key,
                                          std::span<Feed> feeds) {
  for (const OrderRef& ref : request.refused) {
    Feed* const feed = find(feeds, ref.feed);
    if (feed == nullptr) return unknown(ref.feed);
    if (ref.order.empty()) return CompileFailure{ref.feed, "malformed", "a refusal names an order"};
    feed->refused.insert(ref.order);
  }
  for (const OrderRef& ref : request.shadow) {
    Feed* const feed = find(feeds, ref.feed);
    if (feed == nullptr) return unknown(ref.feed);
    put_in_shadow(*feed, ref.order);
  }
  std::set<std::string> seen;
  for (const StagedFeed& staged : request.staged) {
    Feed* const feed = find(feeds, staged.feed);
    if (feed == nullptr || !seen.insert(staged.feed).second) return unknown(staged.feed);
    if (auto failure = stage(staged, key, *feed)) return failure;
  }
  return std::nullopt;
}

}  // namespace sluice
