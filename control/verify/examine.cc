#include "control/verify/examine.h"

#include <exception>
#include <fstream>

#include "rules/sign/bundle_file.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/root.h"

namespace sluice {
namespace {

Refusal refuse(TrustError error, std::string feed, std::string detail) {
  const bool may_complete = error == TrustError::Unsigned || error == TrustError::HalfSigned;
  return {std::string(to_string(error)), std::move(feed), std::move(detail), may_complete};
}

/// The header as the file claims it: good for finding the root, for nothing else.
Result<SnapshotHeader, Refusal> claimed_header(const std::filesystem::path& bundle) {
  std::ifstream in(bundle, std::ios::binary);
  std::string head(kMaxBundleLineBytes + 1, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (in.bad() || !in.is_open()) return std::unexpected(refuse(TrustError::Unreadable, "", bundle.filename().string()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  auto header = read_snapshot_header(head);
  if (header) return *std::move(header);
  return std::unexpected(
      refuse(TrustError::Malformed, "", to_string(header.error().where, bundle.filename().string())));
}

Result<Root, Refusal> root_of(const FeedConfig& feed) {
  const auto text = read_small_file(feed.root, kMaxRootBytes);
  if (!text) return std::unexpected(refuse(TrustError::WrongRoot, feed.feed, text.error().detail));
  auto root = read_root(*text);
  if (root) return *std::move(root);
  return std::unexpected(refuse(TrustError::WrongRoot, feed.feed, to_string(root.error(), feed.root)));
}

BundlePaths paths_of(const BundleFiles& files) {
  BundlePaths paths{files.bundle.string(), {}};
  for (const auto& signature : files.signatures) paths.signatures.push_back(signature.string());
  return paths;
}

/// Accept only a greater (epoch, seq); equal with the same hash is a no-op (feed.md 2).
Result<bool, Refusal> is_unchanged(const SnapshotHeader& header, const std::string& sha256, const Standing& standing) {
  try {
    const std::optional<FeedState> now = standing(header.feed);
    if (!now) return false;
    const auto offered = std::pair(header.epoch, header.seq);
    const auto stands = std::pair(now->epoch, now->seq);
    const auto name = [](const auto& p) { return std::to_string(p.first) + "/" + std::to_string(p.second); };
    if (offered > stands) return false;
    if (offered == stands && sha256 == now->sha256) return true;
    if (offered == stands) {
      return std::unexpected(Refusal{
          "equivocation", header.feed,
          "epoch/seq " + name(offered) + " was signed twice: " + now->sha256 + " stands, " + sha256 + " is offered",
          false});
    }
    return std::unexpected(Refusal{"rollback", header.feed,
                                   "epoch/seq " + name(offered) + " offered, " + name(stands) + " stands", false});
  } catch (const std::exception& e) {
    return std::unexpected(Refusal{"unreadable", header.feed, e.what(), true});
  }
}

}  // namespace

Result<Snapshot, Refusal> read_standing(const BundleFiles& files, const FeedConfig& feed, const BundleLimits& limits,
                                        UnixSeconds now) {
  const auto root = root_of(feed);
  if (!root) return std::unexpected(root.error());
  auto read = read_verified_bundle(*root, paths_of(files), limits, now, WhenExpired::Accept);
  if (read) return std::move(read->snapshot);
  return std::unexpected(refuse(read.error().error, feed.feed, read.error().detail));
}

Result<Examined, Refusal> examine(const BundleFiles& files, const Config& config, UnixSeconds now,
                                  const Standing& standing, WhenExpired when_expired) {
  const auto claimed = claimed_header(files.bundle);
  if (!claimed) return std::unexpected(claimed.error());
  const FeedConfig* feed = config.find(claimed->feed);
  if (feed == nullptr) {
    return std::unexpected(refuse(TrustError::WrongFeed, "", "no feed " + claimed->feed + " is configured"));
  }
  const auto root = root_of(*feed);
  if (!root) return std::unexpected(root.error());

  Examined examined;
  BundleCallbacks callbacks;
  callbacks.order = [&](Order&& order) { examined.orders.push_back({std::move(order), 0}); };
  callbacks.target = [&](Target&&) { ++examined.orders.back().targets; };
  const auto verified =
      verify_bundle_file(*root, paths_of(files), config.limits, now, when_expired, std::move(callbacks));
  if (!verified) return std::unexpected(refuse(verified.error().error, feed->feed, verified.error().detail));

  examined.header = verified->header;
  examined.sha256 = to_hex(verified->digests.sha256);
  for (const std::size_t signer : verified->signers) {
    const RootKey& key = root->keys[signer];
    examined.signers.push_back(key.name + " (" + std::string(to_string(key.party)) + ")");
  }
  const auto unchanged = is_unchanged(examined.header, examined.sha256, standing);
  if (!unchanged) return std::unexpected(unchanged.error());
  examined.unchanged = *unchanged;
  return examined;
}

}  // namespace sluice
