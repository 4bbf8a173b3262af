#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "dataplane/base/result.h"
#include "rules/image/image.h"

namespace sluice {

/// The newest bundle of a feed that went into an image.
struct AcceptedBundle {
  std::uint64_t epoch = 0, seq = 0;
  Sha256 sha256{};         ///< of the snapshot
  std::uint64_t root = 0;  ///< version of the root that it was accepted under; 0: from before roots were counted
  friend bool operator==(const AcceptedBundle&, const AcceptedBundle&) = default;
};

/// How a bundle stands to the newest one that was accepted.
enum class Succession : std::uint8_t {
  Newer,
  Same,          ///< the very same bundle
  Older,         ///< a rollback
  Equivocation,  ///< the same number, but other content: the authority, or a thief of its keys, says two things
};
[[nodiscard]] Succession compare(const AcceptedBundle& offered, const AcceptedBundle& newest) noexcept;

/// sluice-compile's own memory of what it accepted, so that nobody who hands it bundles can take the gateway back.
/// A file accepted.json in its state folder.
class AcceptedBundles {
 public:
  /// An absent file is an empty memory; one that cannot be read is an error, and nothing must be compiled.
  static Result<AcceptedBundles, std::string> load(const std::string& state_folder);

  [[nodiscard]] const std::map<std::string, AcceptedBundle>& feeds() const { return feeds_; }
  /// nullptr where nothing was accepted yet.
  [[nodiscard]] const AcceptedBundle* find(const std::string& feed) const;
  void set(const std::string& feed, const AcceptedBundle& bundle) { feeds_[feed] = bundle; }
  /// Durable when it returns without error.
  [[nodiscard]] Result<void, std::string> save() const;

 private:
  std::string path_;
  std::map<std::string, AcceptedBundle> feeds_;
};

}  // namespace sluice
