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
  std::string bundle;                   ///< the whole snapshot; before verify_arrival(), whatever arrived
  std::vector<std::string> signatures;  ///< at most kMaxSignatures
  std::string delta{};                  ///< what was signed, where that is a delta whose result is `bundle`; else empty
};
inline constexpr std::size_t kMaxSignatures = 64;  ///< more are too-large

/// A file in memory of our own: what is hashed is what is read, whoever writes to its folder meanwhile.
struct SignedText {
  std::string bytes;
  Digests digests;
};
[[nodiscard]] Result<SignedText, TrustFailure> load_signed(const std::string& path, std::uint64_t max_bytes);
/// Unsigned where there is no path. A signature file that cannot be read or is too large counts for nothing.
[[nodiscard]] Result<std::vector<SignatureFile>, TrustFailure> load_signatures(const std::vector<std::string>& paths);

/// Reads and judges a bundle: signatures over the raw bytes first; only then is anything of it parsed. What was called
/// back must not be acted on before this returns a Verified. Of a delta the snapshot must be the one that it names;
/// whether its base is what stands is the caller's to ask. Unsigned comes before errors of reading, those before
/// verify_signatures() and judge_header(), errors of the text last.
[[nodiscard]] Result<Verified, TrustFailure> verify_bundle_file(const Root& root, const BundlePaths& paths,
                                                                const BundleLimits& limits, UnixSeconds now,
                                                                WhenExpired when_expired = WhenExpired::Refuse,
                                                                BundleCallbacks callbacks = {});

/// The first part of it, of a file just arrived, which may be a snapshot or a delta: everything but its body.
struct VerifiedArrival {
  Verified verified;
  SignedText text;
};
[[nodiscard]] Result<VerifiedArrival, TrustFailure> verify_arrival(const Root& root, const std::string& file,
                                                                   std::span<const SignatureFile> signatures,
                                                                   const BundleLimits& limits, UnixSeconds now,
                                                                   WhenExpired when_expired = WhenExpired::Refuse);
/// The body: strictly, and within the limits. For a text whose signatures or whose hash were verified.
[[nodiscard]] Result<void, TrustFailure> read_bundle_text(std::string_view text, const std::string& file,
                                                          const BundleLimits& limits, BundleCallbacks callbacks);
/// The text of the snapshot that a verified delta makes of `base`: DeltaBase where it does not fit, DeltaResult where
/// the hash is another than the one signed, or the error of the delta's text.
[[nodiscard]] Result<std::string, TrustFailure> result_of(const VerifiedArrival& delta, std::string_view base,
                                                          const BundleLimits& limits);

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
