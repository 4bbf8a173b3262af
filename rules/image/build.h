#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/image/image.h"
#include "rules/model/decide.h"

namespace sluice {

/// Most distinct names and patterns that MatchEngine::Hyperscan takes: compiling more takes minutes and gigabytes.
inline constexpr std::size_t kMaxHyperscanTargets = 10'000;

struct BuildOptions {
  MatchEngine engine = MatchEngine::Table;
  /// SHA-256 of the bytes of each feed's snapshot, in the order of the feeds; all zero where it is shorter. The hash
  /// of the names table is seeded from them, so an image of real feeds must have them.
  std::vector<Sha256> snapshot_sha256;
};

enum class BuildErrorCode : std::uint8_t {
  TooManyFeeds,    ///< over kMaxFeeds
  DuplicateFeed,   ///< two feeds of one name
  DuplicateOrder,  ///< two orders of one id in a feed, and not one of them in shadow and the other not
  BadPattern,      ///< Hyperscan does not compile it
  TooManyTargets,  ///< over what the format holds, or over kMaxHyperscanTargets
  OutOfMemory,     ///< Hyperscan could not get what it needs
};
[[nodiscard]] std::string_view to_string(BuildErrorCode code) noexcept;

struct BuildError {
  BuildErrorCode code;
  std::string feed;    ///< empty where it is not one feed's fault
  std::string detail;  ///< order id, pattern and the like
};

/// Builds and signs the rule image of all feeds that a gateway enforces. Deterministic: the same feeds, in any order,
/// give the same bytes on the same kind of machine. Orders under `refused` are left out.
[[nodiscard]] Result<std::vector<std::uint8_t>, BuildError> build_image(std::span<const Feed> feeds,
                                                                        const BuildOptions& options,
                                                                        const Ed25519SecretKey& key);

}  // namespace sluice
