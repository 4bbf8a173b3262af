#include "rules/compile/compiler.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>

#include "rules/compile/durable_file.h"
#include "rules/compile/marks.h"
#include "rules/image/build.h"
#include "rules/image/reader.h"
#include "rules/sign/digest.h"
#include "rules/text/root.h"

namespace sluice {

struct Compiler::Judged {
  VerifiedSnapshot read;
  std::set<std::string> refused;  ///< ids of the orders that a guard refuses
};

struct Compiler::Loaded {
  std::vector<Feed> feeds;
  std::uint64_t refused = 0;   ///< orders, by the guards
  std::vector<Sha256> sha256;  ///< of their snapshots
};

namespace {

constexpr mode_t kImageMode = 0640;

/// Holds the state folder for one compiler at a time, of however many processes.
class StateLock {
 public:
  explicit StateLock(const std::string& folder)
      : fd_(::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    held_ = fd_ >= 0 && ::flock(fd_, LOCK_EX) == 0;
  }
  ~StateLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;
  [[nodiscard]] bool held() const { return held_; }

 private:
  int fd_;
  bool held_ = false;
};

std::unexpected<CompileFailure> fail(std::string feed, std::string_view code, std::string detail) {
  return std::unexpected(CompileFailure{std::move(feed), std::string(code), std::move(detail)});
}

/// The secret key of libsodium ends in the public one.
Ed25519PublicKey public_half(const Ed25519SecretKey& key) {
  Ed25519PublicKey out;
  std::copy(key.end() - out.size(), key.end(), out.begin());
  return out;
}

AcceptedBundle accepted_from(const SnapshotHeader& header, const Sha256& sha256) {
  return {header.epoch, header.seq, sha256, header.root};
}

bool builds_on(const Verified& delta, const AcceptedBundle* newest) {
  return newest != nullptr && newest->epoch == delta.header.epoch && newest->seq == delta.delta->seq &&
         to_hex(newest->sha256) == delta.header.prev_sha256;
}

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Result<RootChain, CompileFailure> Compiler::follow_roots(const FeedBundle& bundle, const FeedConfig& feed) const {
  std::string slug = feed.feed;
  std::ranges::replace(slug, '/', '-');
  const std::string folder = config_.compile_state + "/roots/" + slug;
  auto chain = RootChain::load(feed.feed, feed.root, folder);
  if (!chain) return fail(feed.feed, "wrong-root", chain.error());
  for (const BundlePaths& root : bundle.roots) {
    const auto text = load_signed(root.bundle, kMaxRootBytes);
    const auto signatures = load_signatures(root.signatures);
    if (!text || !signatures) continue;
    const auto judged = chain->judge(*text, *signatures);
    if (!judged || judged->unchanged) continue;  // one that does not count changes nothing
    ::mkdir((config_.compile_state + "/roots").c_str(), 0700);
    ::mkdir(folder.c_str(), 0700);
    auto file =
        DurableFile::write(folder + "/" + std::to_string(judged->root.version) + ".json", bytes_of(text->bytes), 0600);
    if (!file) return fail(feed.feed, "compile-failed", file.error());
    if (const auto error = file->publish()) return fail(feed.feed, "compile-failed", *error);
    chain = RootChain::load(feed.feed, feed.root, folder);
    if (!chain) return fail(feed.feed, "wrong-root", chain.error());
  }
  return std::move(*chain);
}

Result<Compiler::Judged, CompileFailure> Compiler::verify(const FeedBundle& bundle, const FeedConfig& feed,
                                                          const AcceptedBundles& accepted, UnixSeconds now) const {
  const auto chain = follow_roots(bundle, feed);
  if (!chain) return std::unexpected(chain.error());
  const auto signatures = load_signatures(bundle.paths.signatures);
  if (!signatures) return fail(feed.feed, to_string(signatures.error().error), signatures.error().detail);
  const auto claim = claimed(*signatures);
  const AcceptedBundle* const newest = accepted.find(feed.feed);
  const bool again = claim && newest != nullptr && claim->epoch == newest->epoch && claim->seq == newest->seq;
  const Root& root = again ? chain->at(newest->root) : chain->current();

  auto read = read_verified_bundle(root, bundle.paths, config_.limits, now, WhenExpired::Accept);
  if (!read) return fail(feed.feed, to_string(read.error().error), read.error().detail);

  const auto offered = accepted_from(read->verified.header, read->verified.sha256);
  const Succession succession = newest == nullptr ? Succession::Newer : compare(offered, *newest);
  const std::string number = "epoch " + std::to_string(offered.epoch) + " seq " + std::to_string(offered.seq);
  if (succession == Succession::Older) {
    return fail(feed.feed, "rollback",
                number + " after epoch " + std::to_string(newest->epoch) + " seq " + std::to_string(newest->seq));
  }
  if (succession == Succession::Equivocation) {
    return fail(feed.feed, "equivocation",
                number + " with sha256 " + to_hex(offered.sha256) + ", earlier " + to_hex(newest->sha256));
  }
  const bool same_epoch = newest != nullptr && newest->epoch == offered.epoch;
  if (leaps(same_epoch ? newest->seq : 0, offered.seq)) return fail(feed.feed, "fast-forward", number);
  if (succession == Succession::Newer && read->verified.delta && !builds_on(read->verified, newest)) {
    return fail(feed.feed, "delta-base", number + " builds on another bundle than the one accepted last");
  }
  if (succession == Succession::Newer && read->verified.expired) {
    return fail(feed.feed, to_string(TrustError::Expired), number + " or its root is past its expiry");
  }
  const unsigned independent = signers_of(root, read->verified.signers, Party::Independent);
  GuardReport guarded = run_guards(*guard_, read->snapshot.orders, independent);
  return Judged{std::move(*read), std::move(guarded.refused)};
}

Result<Compiler::Loaded, CompileFailure> Compiler::load(const CompileRequest& request, const AcceptedBundles& accepted,
                                                        UnixSeconds now) const {
  Loaded out;
  std::set<std::string> asked;
  for (const FeedBundle& bundle : request.bundles) {
    const FeedConfig* const feed = config_.find(bundle.feed);
    if (feed == nullptr) return fail(bundle.feed, "wrong-feed", "not a configured feed");
    if (!asked.insert(bundle.feed).second) return fail(bundle.feed, "malformed", "stands twice in the request");
    auto judged = verify(bundle, *feed, accepted, now);
    if (!judged) return std::unexpected(std::move(judged.error()));
    out.sha256.push_back(judged->read.verified.sha256);
    out.refused += judged->refused.size();
    out.feeds.push_back({std::move(judged->read.snapshot), feed->policy, std::move(judged->refused)});
  }
  for (const FeedConfig& feed : config_.feeds) {
    if (accepted.find(feed.feed) != nullptr && !asked.contains(feed.feed)) {
      return fail(feed.feed, "rollback", "the request leaves out a feed that is enforced");
    }
  }
  return out;
}

Result<std::string, CompileFailure> Compiler::store(Bytes image, const std::string& out, const Loaded& loaded,
                                                    AcceptedBundles& accepted) const {
  std::string path = out + "/" + to_hex(sha256_of(image)) + ".img";
  auto file = DurableFile::write(path, image, kImageMode, group_);
  if (!file) return fail("", "compile-failed", file.error());
  for (std::size_t i = 0; i < loaded.feeds.size(); ++i) {
    const SnapshotHeader& header = loaded.feeds[i].snapshot.header;
    accepted.set(header.feed, accepted_from(header, loaded.sha256[i]));
  }
  if (const auto saved = accepted.save(); !saved) return fail("", "compile-failed", saved.error());
  if (const auto error = file->publish()) return fail("", "compile-failed", *error);
  return path;
}

CompileOutcome Compiler::run(const CompileRequest& request, UnixSeconds now) const {
  const auto begin = std::chrono::steady_clock::now();
  const StateLock lock(config_.compile_state);
  if (!lock.held()) return fail("", "compile-failed", config_.compile_state + ": " + std::strerror(errno));
  auto accepted = AcceptedBundles::load(config_.compile_state);
  if (!accepted) return fail("", "compile-failed", accepted.error());
  auto loaded = load(request, *accepted, now);
  if (!loaded) return std::unexpected(loaded.error());
  if (auto failure = apply_marks(request, public_half(key_), loaded->feeds))
    return std::unexpected(*std::move(failure));

  const MatchEngine engine = config_.match_with_hyperscan ? MatchEngine::Hyperscan : MatchEngine::Table;
  const auto image = build_image(loaded->feeds, {engine, loaded->sha256}, key_);
  if (!image) {
    const BuildError& error = image.error();
    return fail(error.feed, "compile-failed", std::string(to_string(error.code)) + ": " + error.detail);
  }
  ImageHeader header;
  std::memcpy(&header, image->data(), sizeof header);
  const auto path = store(*image, request.out, *loaded, *accepted);
  if (!path) return std::unexpected(path.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return CompiledImage{
      *path,        to_hex(sha256_of(*image)), header.sections[static_cast<std::size_t>(Section::Orders)].count,
      header.names, header.patterns,           loaded->refused,
      took.count()};
}

}  // namespace sluice
