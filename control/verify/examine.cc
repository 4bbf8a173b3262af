#include "control/verify/examine.h"

#include <exception>

#include "rules/sign/bundle_file.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/root.h"

namespace sluice {
namespace {

/// What may still come: signatures, the snapshot that a delta builds on, the root that a bundle is ahead of.
bool may_complete(TrustError error) noexcept {
  return error == TrustError::Unsigned || error == TrustError::HalfSigned || error == TrustError::UnknownKey ||
         error == TrustError::WrongRoot || error == TrustError::DeltaBase;
}

std::unexpected<Refusal> refuse(TrustError error, std::string feed, std::string detail) {
  return std::unexpected(
      Refusal{std::string(to_string(error)), std::move(feed), std::move(detail), may_complete(error)});
}
std::unexpected<Refusal> refuse(const TrustFailure& failure, const std::string& feed) {
  return refuse(failure.error, feed, failure.detail);
}

/// What an arrival claims to be, and the feed that it claims.
struct Claimed {
  std::vector<SignatureFile> signatures;
  Claim claim;
  const FeedConfig* feed = nullptr;
};

std::vector<std::string> strings_of(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> out;
  out.reserve(paths.size());
  for (const auto& path : paths) out.push_back(path.string());
  return out;
}

BundlePaths paths_of(const BundleFiles& files) {
  return {files.bundle.string(), strings_of(files.signatures), files.delta.string()};
}

Result<Claimed, Refusal> what_is_claimed(const BundleFiles& files, const Config& config) {
  auto signatures = load_signatures(strings_of(files.signatures));
  if (!signatures) return refuse(signatures.error(), "");
  auto claim = claimed(*signatures);
  if (!claim) return refuse(TrustError::BadSignature, "", "no signature has the trusted comment of a bundle or a root");
  const FeedConfig* feed = config.find(claim->feed);
  if (feed == nullptr) return refuse(TrustError::WrongFeed, "", "no feed " + claim->feed + " is configured");
  return Claimed{*std::move(signatures), *std::move(claim), feed};
}

std::string number(std::uint64_t epoch, std::uint64_t seq) {
  return std::to_string(epoch) + "/" + std::to_string(seq);
}

/// Accept only a greater (epoch, seq); equal with the same hash is a no-op; a delta fits what stands alone (feed.md 2).
Result<bool, Refusal> is_unchanged(const Verified& offered, const std::optional<FeedState>& stands) {
  const SnapshotHeader& header = offered.header;
  const std::string offer = "epoch/seq " + number(header.epoch, header.seq);
  const bool same_epoch = stands && stands->epoch == header.epoch;
  if (leaps(same_epoch ? stands->seq : 0, header.seq)) {
    return refuse(TrustError::FastForward, header.feed,
                  offer + (same_epoch ? " after seq " + std::to_string(stands->seq) : "") +
                      " is too far ahead: a root of a new epoch undoes such a leap");
  }
  const bool newer = !stands || std::pair(header.epoch, header.seq) > std::pair(stands->epoch, stands->seq);
  if (newer && offered.delta) {
    if (stands && stands->epoch == header.epoch && stands->seq == offered.delta->seq &&
        stands->sha256 == header.prev_sha256) {
      return false;
    }
    return refuse(TrustError::DeltaBase, header.feed,
                  offer + " builds on seq " + std::to_string(offered.delta->seq) + " (sha256 " + header.prev_sha256 +
                      "), " +
                      (stands ? "epoch/seq " + number(stands->epoch, stands->seq) + " stands" : "nothing stands") +
                      ": that bundle, or a snapshot, must come first");
  }
  if (newer) return false;
  const std::string sha256 = to_hex(offered.sha256);
  if (std::pair(header.epoch, header.seq) < std::pair(stands->epoch, stands->seq)) {
    return refuse(TrustError::Rollback, header.feed,
                  offer + " offered, " + number(stands->epoch, stands->seq) + " stands");
  }
  if (sha256 == stands->sha256) return true;
  return refuse(TrustError::Equivocation, header.feed,
                offer + " was signed twice: " + stands->sha256 + " stands, " + sha256 + " is offered");
}

/// The snapshot that stands afterwards: what arrived itself, what a delta makes of what stands, or, of a delta that was
/// applied before a crash, the file beside it.
Result<std::string, TrustFailure> snapshot_text(VerifiedArrival& arrival, const BundleFiles& files,
                                                const BundleLimits& limits, bool unchanged,
                                                const std::optional<FeedState>& stands, const Memory& memory) {
  if (!arrival.verified.delta) return std::move(arrival.text.bytes);
  const bool applied = !files.delta.empty();
  auto whole = load_signed((applied ? files.bundle : memory.snapshot(*stands)).string(), limits.bytes);
  if (!whole) return std::unexpected(whole.error());
  const std::string sha256 = to_hex(whole->digests.sha256);
  const std::string& want = unchanged || applied ? arrival.verified.delta->result_sha256 : stands->sha256;
  if (sha256 != want) {
    return std::unexpected(TrustFailure{TrustError::DeltaBase, "what stands is damaged: a snapshot must come"});
  }
  return unchanged || applied ? Result<std::string, TrustFailure>(std::move(whole->bytes))
                              : result_of(arrival, whole->bytes, limits);
}

BundleCallbacks collect_into(std::vector<OrderView>& orders, GuardRun& guards) {
  BundleCallbacks callbacks;
  callbacks.order = [&](Order&& order) {
    guards.order(order);
    orders.push_back({std::move(order), 0});
  };
  callbacks.target = [&](Target&& target) {
    guards.target(target);
    ++orders.back().targets;
  };
  return callbacks;
}

Examined examined_from(const Verified& verified, const Root& root, std::vector<OrderView> orders, GuardRun& guards) {
  Examined out;
  out.guarded = guards.finish(signers_of(root, verified.signers, Party::Independent));
  out.header = verified.header;
  out.sha256 = to_hex(verified.sha256);
  out.orders = std::move(orders);
  for (const std::size_t signer : verified.signers) {
    const RootKey& key = root.keys[signer];
    out.signers.push_back(key.name + " (" + std::string(to_string(key.party)) + ")");
  }
  return out;
}

}  // namespace

Result<RootChain, Refusal> roots_of(const FeedConfig& feed, const Memory& memory) {
  auto chain = RootChain::load(feed.feed, feed.root, memory.roots(feed.feed).string());
  if (!chain) return refuse(TrustError::WrongRoot, feed.feed, chain.error());
  return *std::move(chain);
}

Result<ExaminedRoot, Refusal> examine_root(const BundleFiles& files, const Config& config, const Memory& memory) {
  const auto claimed = what_is_claimed(files, config);
  if (!claimed) return std::unexpected(claimed.error());
  const std::string& feed = claimed->feed->feed;
  const auto chain = roots_of(*claimed->feed, memory);
  if (!chain) return std::unexpected(chain.error());
  const auto text = load_signed(files.bundle.string(), kMaxRootBytes);
  if (!text) return refuse(text.error(), feed);
  auto judged = chain->judge(*text, claimed->signatures);
  if (judged) return ExaminedRoot{std::move(judged->root), judged->unchanged};
  auto refused = refuse(judged.error(), feed);
  // Of a root these have names of their own: they say more of the authority than of its lists.
  if (judged.error().error == TrustError::Rollback) refused.error().code = "root-rollback";
  if (judged.error().error == TrustError::Equivocation) refused.error().code = "root-equivocation";
  return refused;
}

Result<Examined, Refusal> examine(const BundleFiles& files, const Config& config, UnixSeconds now, const Memory& memory,
                                  const Guard& guard) try {
  const auto claimed = what_is_claimed(files, config);
  if (!claimed) return std::unexpected(claimed.error());
  const std::string& feed = claimed->feed->feed;
  const auto chain = roots_of(*claimed->feed, memory);
  if (!chain) return std::unexpected(chain.error());
  const std::optional<FeedState> stands = memory.standing(feed);
  const bool again = stands && stands->epoch == claimed->claim.epoch && stands->seq == claimed->claim.seq;
  const Root& root = again ? chain->at(stands->root) : chain->current();

  const bool unfolded = !files.delta.empty();
  auto arrival =
      verify_arrival(root, (unfolded ? files.delta : files.bundle).string(), claimed->signatures, config.limits, now);
  if (!arrival) return refuse(arrival.error(), feed);
  const auto unchanged = is_unchanged(arrival->verified, stands);
  if (!unchanged) return std::unexpected(unchanged.error());

  auto text = snapshot_text(*arrival, files, config.limits, *unchanged, stands, memory);
  if (!text) return refuse(text.error(), feed);
  std::vector<OrderView> orders;
  GuardRun guards(guard);
  const auto read =
      read_bundle_text(*text, files.bundle.filename().string(), config.limits, collect_into(orders, guards));
  if (!read) return refuse(read.error(), feed);
  Examined out = examined_from(arrival->verified, root, std::move(orders), guards);
  out.unchanged = *unchanged;
  if (arrival->verified.delta && files.delta.empty()) out.applied = *std::move(text);
  return out;
} catch (const std::exception& e) {
  return std::unexpected(Refusal{"unreadable", "", e.what(), true});
}

Result<Examined, Refusal> examine_standing(const FeedState& state, const BundleFiles& files, const Config& config,
                                           UnixSeconds now, const Memory& memory, const Guard& guard) {
  const auto chain = roots_of(*config.find(state.feed), memory);
  if (!chain) return std::unexpected(chain.error());
  const Root& root = chain->at(state.root);
  std::vector<OrderView> orders;
  GuardRun guards(guard);
  const auto verified =
      verify_bundle_file(root, paths_of(files), config.limits, now, WhenExpired::Accept, collect_into(orders, guards));
  if (!verified) return refuse(verified.error(), state.feed);
  if (to_hex(verified->sha256) != state.sha256) {
    return refuse(TrustError::Unreadable, state.feed, "not the bundle that was accepted");
  }
  return examined_from(*verified, root, std::move(orders), guards);
}

Result<Snapshot, Refusal> read_standing(const FeedState& state, const BundleFiles& files, const Config& config,
                                        UnixSeconds now, const Memory& memory) {
  const auto chain = roots_of(*config.find(state.feed), memory);
  if (!chain) return std::unexpected(chain.error());
  auto read = read_verified_bundle(chain->at(state.root), paths_of(files), config.limits, now, WhenExpired::Accept);
  if (read) return std::move(read->snapshot);
  return refuse(read.error(), state.feed);
}

}  // namespace sluice
