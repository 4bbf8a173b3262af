#include "rules/sign/trust.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "rules/model/order_check.h"
#include "rules/sign/minisign.h"

namespace sluice {
namespace {

std::unexpected<TrustFailure> failure(TrustError error, std::string detail) {
  return std::unexpected(TrustFailure{error, std::move(detail)});
}

/// What the signatures come to: who signed, by trusted comment.
struct Tally {
  std::map<std::string, std::set<std::size_t>> signers;
  std::optional<std::string> bad, unknown;  ///< the first of each, for people

  void note_bad(const SignatureFile& file, std::string_view why) {
    if (!bad) bad = file.name + ": " + std::string(why);
  }
};

void count(Tally& tally, const Root& root, const SignatureFile& file, const Blake2b512& digest) {
  const auto signature = read_signature(file.text);
  if (!signature.has_value()) return tally.note_bad(file, to_string(signature.error()));
  const auto key = std::ranges::find(root.keys, signature->number, [](const RootKey& k) { return k.key.number; });
  if (key == root.keys.end()) {
    if (!tally.unknown) tally.unknown = file.name + ": key " + key_id(signature->number) + " is not in the root";
    return;
  }
  if (!verify(key->key, digest, *signature)) return tally.note_bad(file, "not a signature of this text");
  tally.signers[signature->trusted_comment].insert(static_cast<std::size_t>(key - root.keys.begin()));
}

/// Takes "NAME=" and what follows it up to the next space or the end off `text`.
std::optional<std::string> take_field(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name) || !text.substr(name.size()).starts_with('=')) return std::nullopt;
  text.remove_prefix(name.size() + 1);
  const std::size_t end = std::min(text.find(' '), text.size());
  std::string value(text.substr(0, end));
  text.remove_prefix(end == text.size() ? end : end + 1);
  return value;
}
void take_number(std::string_view& text, std::string_view name, std::uint64_t& out) {
  const auto digits = take_field(text, name);
  if (digits) std::from_chars(digits->data(), digits->data() + digits->size(), out);
}

std::string comment_of(const Claim& claim) {
  const std::string what = claim.root != 0
                               ? " root=" + std::to_string(claim.root)
                               : " epoch=" + std::to_string(claim.epoch) + " seq=" + std::to_string(claim.seq);
  return "feed=" + claim.feed + what + " sha256=" + claim.sha256;
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
    case TrustError::DeltaBase: return "delta-base";
    case TrustError::DeltaResult: return "delta-result";
    case TrustError::Rollback: return "rollback";
    case TrustError::Equivocation: return "equivocation";
    case TrustError::FastForward: return "fast-forward";
  }
  return "?";
}

std::string trusted_comment_for(const SnapshotHeader& header, const Sha256& sha256) {
  return comment_of({header.feed, header.epoch, header.seq, 0, to_hex(sha256)});
}
std::string trusted_comment_for(const Root& root, const Sha256& sha256) {
  return comment_of({root.feed, 0, 0, root.version, to_hex(sha256)});
}

std::optional<Claim> read_claim(std::string_view trusted_comment) {
  std::string_view rest = trusted_comment;
  Claim out;
  out.feed = take_field(rest, "feed").value_or("");
  take_number(rest, "epoch", out.epoch);
  take_number(rest, "seq", out.seq);
  take_number(rest, "root", out.root);
  out.sha256 = take_field(rest, "sha256").value_or("");
  // There is one way to write it: what was passed over above shows here.
  if (!is_feed_name(out.feed) || !is_sha256_hex(out.sha256) || comment_of(out) != trusted_comment) return std::nullopt;
  return out;
}

std::optional<Claim> claimed(std::span<const SignatureFile> signatures) {
  for (const SignatureFile& file : signatures) {
    const auto signature = read_signature(file.text);
    if (!signature.has_value()) continue;
    if (auto claim = read_claim(signature->trusted_comment)) return claim;
  }
  return std::nullopt;
}

Result<Countersigned, TrustFailure> verify_signatures(const Root& root, const Blake2b512& digest,
                                                      std::span<const SignatureFile> signatures) {
  if (signatures.empty()) return failure(TrustError::Unsigned, "no signature file");
  Tally tally;
  for (const SignatureFile& file : signatures) count(tally, root, file, digest);
  for (const auto& [comment, signers] : tally.signers) {
    if (missing(root, signers).empty()) return Countersigned{comment, {signers.begin(), signers.end()}};
  }
  if (tally.bad) return failure(TrustError::BadSignature, *tally.bad);
  if (tally.signers.size() > 1) return failure(TrustError::BadSignature, "the trusted comments of the signers differ");
  if (tally.unknown) return failure(TrustError::UnknownKey, *tally.unknown);
  const auto only = tally.signers.begin();
  return failure(TrustError::HalfSigned,
                 missing(root, only == tally.signers.end() ? std::set<std::size_t>() : only->second));
}

Result<Verified, TrustFailure> judge_header(const Root& root, const BundleHeader& bundle, const Digests& digests,
                                            const Countersigned& by, UnixSeconds now, WhenExpired when_expired) {
  const SnapshotHeader& header = bundle.snapshot;
  if (header.feed != root.feed) {
    return failure(TrustError::WrongFeed, "the bundle is of " + header.feed + ", the root of " + root.feed);
  }
  if (const std::string comment = trusted_comment_for(header, digests.sha256); by.comment != comment) {
    return failure(TrustError::BadSignature, "the trusted comment must be: " + comment);
  }
  if (header.root != root.version) {
    return failure(TrustError::WrongRoot, "the bundle names root " + std::to_string(header.root) + ", this is root " +
                                              std::to_string(root.version));
  }
  if (header.epoch != root.epoch) {
    return failure(TrustError::WrongRoot, "the bundle is of epoch " + std::to_string(header.epoch) +
                                              ", the root of epoch " + std::to_string(root.epoch));
  }
  const bool expired = now >= header.expires || now >= root.expires;
  if (expired && when_expired == WhenExpired::Refuse) {
    return failure(TrustError::Expired, now >= header.expires ? "the bundle has expired" : "the root has expired");
  }
  Verified out{header, bundle.delta, digests.sha256, by.signers, expired};
  if (bundle.delta) {
    const std::string& hex = bundle.delta->result_sha256;
    if (sodium_hex2bin(out.sha256.data(), out.sha256.size(), hex.data(), hex.size(), nullptr, nullptr, nullptr) != 0) {
      return failure(TrustError::Malformed, "result_sha256 is no hash");
    }
  }
  return out;
}

}  // namespace sluice
