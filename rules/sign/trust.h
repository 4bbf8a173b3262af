#pragma once

#include <cstdint>
#include <optional>
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
  DeltaBase,     ///< a delta on another snapshot than the one that stands
  DeltaResult,   ///< a delta that does not give the snapshot that was signed
  Rollback,      ///< older than what stands
  Equivocation,  ///< of the number of what stands, but other content
  FastForward,   ///< a seq so far ahead that none may be left after it
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

/// What a trusted comment says that a file is: a bundle ("feed=F epoch=E seq=S sha256=H") or a root ("feed=F root=V
/// sha256=H"). Numbers of the other kind are 0.
struct Claim {
  std::string feed;
  std::uint64_t epoch = 0, seq = 0, root = 0;
  std::string sha256;  ///< of the file, 64 hex digits
  friend bool operator==(const Claim&, const Claim&) = default;
};
/// Nothing where it is neither, byte for byte as trusted_comment_for() writes it.
[[nodiscard]] std::optional<Claim> read_claim(std::string_view trusted_comment);
/// What the first signature that claims anything claims. Nobody has verified it: good for finding the root to verify it
/// by, for nothing else.
[[nodiscard]] std::optional<Claim> claimed(std::span<const SignatureFile> signatures);

/// The keys that signed one file with one trusted comment, and suffice.
struct Countersigned {
  std::string comment;
  std::vector<std::size_t> signers;  ///< indices into root.keys, ascending
};
/// Asks the signatures alone, over the raw bytes: not a byte of the file needs to have been parsed. A key counts once,
/// however often it signed. A signature that is malformed, legacy, of an unknown key or wrong is passed over, so that
/// nobody can undo a good file by adding one; only where the rest does not suffice does it name the error (BadSignature
/// before UnknownKey before HalfSigned). Signers must agree on the trusted comment.
[[nodiscard]] Result<Countersigned, TrustFailure> verify_signatures(const Root& root, const Blake2b512& digest,
                                                                    std::span<const SignatureFile> signatures);

/// A bundle that counts.
struct Verified {
  SnapshotHeader header;             ///< of the snapshot that stands afterwards
  std::optional<DeltaBase> delta;    ///< what was signed is a delta
  Sha256 sha256{};                   ///< of that snapshot
  std::vector<std::size_t> signers;  ///< indices into root.keys, ascending
  bool expired = false;              ///< it or the root is, and WhenExpired::Accept was asked for
};

/// A seq beyond which there is no honest reason to leap: whoever holds enough keys for a day could otherwise use up the
/// numbers of an epoch, and nothing could follow but a new epoch. `last`: the seq that stands in this epoch, or 0.
[[nodiscard]] constexpr bool leaps(std::uint64_t last, std::uint64_t seq) noexcept {
  constexpr std::uint64_t kMostAhead = std::uint64_t{1} << 32, kMostFirst = std::uint64_t{1} << 53;
  return last == 0 ? seq > kMostFirst : seq > last && seq - last > kMostAhead;
}

/// A new bundle must not be expired; the last good one goes on being enforced, order by order (feed.md 2).
enum class WhenExpired : std::uint8_t { Refuse, Accept };

/// "feed=… epoch=… seq=… sha256=…": the trusted comment that every signature of a bundle carries; of a delta, too.
[[nodiscard]] std::string trusted_comment_for(const SnapshotHeader& header, const Sha256& sha256);
/// "feed=… root=… sha256=…": that of a root file.
[[nodiscard]] std::string trusted_comment_for(const Root& root, const Sha256& sha256);

/// Judges the header of a file whose signatures suffice: WrongFeed, BadSignature (they were made of something else),
/// WrongRoot, Expired, in this order. `digests`: of the signed file; the snapshot's hash of a delta is the one it
/// names. `now` is fixed by the caller at the start of an update.
[[nodiscard]] Result<Verified, TrustFailure> judge_header(const Root& root, const BundleHeader& header,
                                                          const Digests& digests, const Countersigned& by,
                                                          UnixSeconds now,
                                                          WhenExpired when_expired = WhenExpired::Refuse);

}  // namespace sluice
