#pragma once

#include <span>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/model/root.h"
#include "rules/sign/trust.h"
#include "rules/text/bundle_jsonl.h"

namespace sluice {

/// Where a bundle and its signatures lie.
struct BundlePaths {
  std::string bundle;
  std::vector<std::string> signatures;  ///< at most kMaxSignatures
};
inline constexpr std::size_t kMaxSignatures = 64;  ///< more are too-large

/// Reads, hashes and judges a bundle in one pass over one open file and in bounded memory, so what is called back is
/// what was signed, whoever writes to the folder meanwhile. What was called back must not be acted on before this
/// returns a Verified. A signature file that cannot be read or is too large counts for nothing. Errors of reading the
/// bundle come before those of verify_bundle(), Unsigned before all.
[[nodiscard]] Result<Verified, TrustFailure> verify_bundle_file(const Root& root, const BundlePaths& paths,
                                                                const BundleLimits& limits, UnixSeconds now,
                                                                WhenExpired when_expired = WhenExpired::Refuse,
                                                                BundleCallbacks callbacks = {});

struct VerifiedSnapshot {
  Verified verified;
  Snapshot snapshot;
};
/// The same, with the whole snapshot in memory. Malformed also where a pattern breaks check_pattern_text(), which is
/// asked last: what nobody signed is not worth the time.
[[nodiscard]] Result<VerifiedSnapshot, TrustFailure> read_verified_bundle(
    const Root& root, const BundlePaths& paths, const BundleLimits& limits, UnixSeconds now,
    WhenExpired when_expired = WhenExpired::Refuse);

/// A small file whole: Unreadable, or TooLarge over `max_bytes`. For roots, signatures, keys.
[[nodiscard]] Result<std::string, TrustFailure> read_small_file(const std::string& path, std::size_t max_bytes);

}  // namespace sluice
