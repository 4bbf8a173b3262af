#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/store/disk.h"
#include "rules/model/order.h"

namespace sluice {

/// Which snapshot of a feed stands: what rollback and equivocation are told by.
struct FeedState {
  std::string feed;
  std::uint64_t epoch = 0, seq = 0;
  std::string sha256;  ///< of the whole bundle file, 64 hex digits
  UnixSeconds accepted = 0;
  std::uint64_t root = 0;  ///< version of the root that it was accepted under; 0: from before roots were counted
  friend bool operator==(const FeedState&, const FeedState&) = default;
};

/// A bundle file and its detached signatures, in a folder of our own.
struct BundleFiles {
  std::filesystem::path bundle;
  std::vector<std::filesystem::path> signatures;
  std::filesystem::path delta{};  ///< what was signed, where that is a delta whose result is `bundle`; else empty
};

/// What must outlive a crash, below one folder:
///
///   feeds/SLUG/state.json                    which snapshot stands; replaced in one step: the commit
///   feeds/SLUG/EPOCH-SEQ-SHA12/bundle.jsonl  that snapshot and its signatures, or those of the delta.jsonl beside it;
///   never
///                                            changed once it is there
///   feeds/SLUG/roots/VERSION.json            the roots that followed the configured one, and VERSION.json.*.minisig
///   staging/                                 what is being looked at
///   images/                                  of sluice-compile, and the link current.img
///
/// Every call is durable when it returns, or throws std::system_error and has changed nothing that a reader sees.
class Store {
 public:
  Store(std::filesystem::path folder, Disk& disk);

  /// The snapshot that stands. Nothing where there never was one. Throws std::runtime_error where state.json is there
  /// but cannot be read: then nobody knows what may be rolled back, and no bundle may be taken.
  [[nodiscard]] std::optional<FeedState> state(const std::string& feed) const;
  [[nodiscard]] BundleFiles files(const FeedState& state) const;

  /// An empty folder for one arrival, in place of the one before.
  std::filesystem::path stage();
  /// That folder, as it was left.
  [[nodiscard]] std::filesystem::path staging() const { return folder_ / "staging"; }
  /// A delta lies staged as bundle.jsonl: it becomes delta.jsonl, and `snapshot`, which results from it, bundle.jsonl.
  void stage_result(std::string_view snapshot);
  /// Makes the staged files the last good ones of their feed.
  void keep(const FeedState& state, const std::filesystem::path& staged);

  /// The bundle of the feed that stood before the one that stands or is staged: what diffs are held against. Written by
  /// remember() from what stands; need not exist.
  [[nodiscard]] std::filesystem::path prior(std::string_view feed) const { return feed_folder(feed) / "prior.jsonl"; }
  void remember(const FeedState& state);

  /// The folder of the feed's roots; it need not exist.
  [[nodiscard]] std::filesystem::path roots_folder(const std::string& feed) const {
    return feed_folder(feed) / "roots";
  }
  /// Adds the next root, which lies staged as bundle.jsonl, and its signatures.
  void keep_root(const std::string& feed, std::uint64_t version);
  /// The roots that were kept, each with its signatures, ascending by version.
  [[nodiscard]] std::vector<BundleFiles> roots(const std::string& feed) const;

  [[nodiscard]] std::filesystem::path images() const { return folder_ / "images"; }
  [[nodiscard]] std::filesystem::path current_image() const { return images() / "current.img"; }
  /// Points current.img at an image that lies in images(). Of the others the newest few stay, and those of these
  /// hashes.
  void activate(const std::filesystem::path& image, const std::set<std::string>& kept = {});

  [[nodiscard]] Disk& disk() const noexcept { return *disk_; }
  /// What an operator said of orders, and stages (control/stage).
  [[nodiscard]] std::filesystem::path apply_file() const { return folder_ / "apply.json"; }
  /// The file below which alarms are kept.
  [[nodiscard]] std::filesystem::path alarms_file() const { return folder_ / "alarms.json"; }

 private:
  [[nodiscard]] std::filesystem::path feed_folder(std::string_view feed) const;
  void forget_others(const FeedState& state);
  void forget_old_images(const std::filesystem::path& active, const std::set<std::string>& kept);

  std::filesystem::path folder_;
  Disk* disk_;
};

/// "pta.example/terror" → "pta.example-terror": the name of a feed's folder and root file.
[[nodiscard]] std::string feed_slug(std::string_view feed);

/// The files of a folder: bundle.jsonl, delta.jsonl where there is one, and what ends in .minisig, sorted.
[[nodiscard]] BundleFiles bundle_files_in(const std::filesystem::path& folder);

}  // namespace sluice
