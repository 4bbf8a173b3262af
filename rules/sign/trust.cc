#include "rules/sign/trust.h"

#include <algorithm>
#include <optional>
#include <set>

#include "rules/sign/minisign.h"

namespace sluice {
namespace {

std::unexpected<TrustFailure> failure(TrustError error, std::string detail) {
  return std::unexpected(TrustFailure{error, std::move(detail)});
}

/// What the signatures come to.
struct Tally {
  std::set<std::size_t> signers;
  std::optional<std::string> bad, unknown;  ///< the first of each, for people

  void note_bad(const SignatureFile& file, std::string_view why) {
    if (!bad) bad = file.name + ": " + std::string(why);
  }
};

void count(Tally& tally, const Root& root, const SignatureFile& file, const Digests& digests,
           const std::string& comment) {
  const auto signature = read_signature(file.text);
  if (!signature.has_value()) return tally.note_bad(file, to_string(signature.error()));
  const auto key = std::ranges::find(root.keys, signature->number, [](const RootKey& k) { return k.key.number; });
  if (key == root.keys.end()) {
    if (!tally.unknown) tally.unknown = file.name + ": key " + key_id(signature->number) + " is not in the root";
    return;
  }
  if (!verify(key->key, digests.blake2b, *signature)) return tally.note_bad(file, "not a signature of this text");
  if (signature->trusted_comment != comment) {
    return tally.note_bad(file, "its trusted comment must be: " + comment);
  }
  tally.signers.insert(static_cast<std::size_t>(key - root.keys.begin()));
}

/// What is missing; empty where the signers suffice.
std::string missing(const Root& root, const std::set<std::size_t>& signers) {
  std::map<Party, unsigned> by_party;
  for (const std::size_t i : signers) ++by_party[root.keys[i].party];
  std::string out;
  for (const auto& [party, k] : root.thresholds) {
    const unsigned have = by_party.contains(party) ? by_party[party] : 0;
    if (have >= k) continue;
    out += (out.empty() ? "" : ", ") + std::string(to_string(party)) + " " + std::to_string(have) + " of " +
           std::to_string(k);
  }
  if (!out.empty()) return out;
  if (by_party.size() < 2) return "two parties must sign";
  if (!by_party.contains(Party::Independent)) return "no independent party signed";
  return {};
}

}  // namespace

std::string_view to_string(TrustError error) noexcept {
  switch (error) {
    case TrustError::Unreadable: return "unreadable";
    case TrustError::TooLarge: return "too-large";
    case TrustError::Malformed: return "malformed";
    case TrustError::Counts: return "counts";
    case TrustError::Unsigned: return "unsigned";
    case TrustError::HalfSigned: return "half-signed";
    case TrustError::BadSignature: return "bad-signature";
    case TrustError::UnknownKey: return "unknown-key";
    case TrustError::WrongFeed: return "wrong-feed";
    case TrustError::WrongRoot: return "wrong-root";
    case TrustError::Expired: return "expired";
  }
  return "?";
}

std::string trusted_comment_for(const SnapshotHeader& header, const Sha256& sha256) {
  return "feed=" + header.feed + " epoch=" + std::to_string(header.epoch) + " seq=" + std::to_string(header.seq) +
         " sha256=" + to_hex(sha256);
}

Result<Verified, TrustFailure> verify_bundle(const Root& root, const SnapshotHeader& header, const Digests& digests,
                                             std::span<const SignatureFile> signatures, UnixSeconds now,
                                             WhenExpired when_expired) {
  if (signatures.empty()) return failure(TrustError::Unsigned, "no signature file");
  if (header.feed != root.feed) {
    return failure(TrustError::WrongFeed, "the bundle is of " + header.feed + ", the root of " + root.feed);
  }
  if (header.root != root.version) {
    return failure(TrustError::WrongRoot, "the bundle names root " + std::to_string(header.root) + ", this is root " +
                                              std::to_string(root.version));
  }
  if (header.epoch != root.epoch) {
    return failure(TrustError::WrongRoot, "the bundle is of epoch " + std::to_string(header.epoch) +
                                              ", the root of epoch " + std::to_string(root.epoch));
  }
  Tally tally;
  const std::string comment = trusted_comment_for(header, digests.sha256);
  for (const SignatureFile& file : signatures) count(tally, root, file, digests, comment);
  if (const std::string lacking = missing(root, tally.signers); !lacking.empty()) {
    if (tally.bad) return failure(TrustError::BadSignature, *tally.bad);
    if (tally.unknown) return failure(TrustError::UnknownKey, *tally.unknown);
    return failure(TrustError::HalfSigned, lacking);
  }
  const bool expired = now >= header.expires || now >= root.expires;
  if (expired && when_expired == WhenExpired::Refuse) {
    return failure(TrustError::Expired, now >= header.expires ? "the bundle has expired" : "the root has expired");
  }
  return Verified{header, digests, {tally.signers.begin(), tally.signers.end()}, expired};
}

}  // namespace sluice
