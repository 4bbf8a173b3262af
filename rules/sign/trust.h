#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/model/root.h"
#include "rules/sign/digest.h"

namespace sluice {

/// Why a bundle does not count; to_string() gives the codes of docs/interfaces.md ("half-signed").
enum class TrustError : std::uint8_t {
  Unreadable,    ///< a file could not be opened or read
  TooLarge,      ///< over a configured limit
  Malformed,     ///< the bundle's text, with line and column in the detail
  Counts,        ///< its header announces other numbers than it holds
  Unsigned,      ///< no signature at all
  HalfSigned,    ///< good signatures, but too few keys or parties, or no independent one
  BadSignature,  ///< a key of the root did not sign this text, or signed another feed, epoch, seq or hash
  UnknownKey,    ///< signed by keys that the root does not list
  WrongFeed,     ///< of another feed than the root
  WrongRoot,     ///< of another root version or epoch
  Expired,       ///< the bundle or the root is past its expiry
};
[[nodiscard]] std::string_view to_string(TrustError error) noexcept;

struct TrustFailure {
  TrustError error = TrustError::Unreadable;
  std::string detail;  ///< for people
};

/// One signature file: what to call it, and its text.
struct SignatureFile {
  std::string name;
  std::string text;
};

/// A bundle that counts.
struct Verified {
  SnapshotHeader header;
  Digests digests;
  std::vector<std::size_t> signers;  ///< indices into root.keys, ascending
  bool expired = false;              ///< it or the root is, and WhenExpired::Accept was asked for
};

/// A new bundle must not be expired; the last good one goes on being enforced, order by order (feed.md 2).
enum class WhenExpired : std::uint8_t { Refuse, Accept };

/// "feed=… epoch=… seq=… sha256=…": the trusted comment that every signature of a bundle carries.
[[nodiscard]] std::string trusted_comment_for(const SnapshotHeader& header, const Sha256& sha256);

/// Judges what was read: header and hashes of the whole file. Checks, in this order: Unsigned, WrongFeed, WrongRoot,
/// the signatures, Expired. A key counts once, however often it signed. A signature that is malformed, legacy, of an
/// unknown key or wrong is passed over, so that nobody can undo a good bundle by adding a file; only where the rest
/// does not suffice does it name the error (BadSignature before UnknownKey before HalfSigned). `now` is fixed by the
/// caller at the start of an update.
[[nodiscard]] Result<Verified, TrustFailure> verify_bundle(const Root& root, const SnapshotHeader& header,
                                                           const Digests& digests,
                                                           std::span<const SignatureFile> signatures, UnixSeconds now,
                                                           WhenExpired when_expired = WhenExpired::Refuse);

}  // namespace sluice
