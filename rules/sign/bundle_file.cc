#include "rules/sign/bundle_file.h"

#include <functional>

#include "rules/delta/delta.h"
#include "rules/sign/minisign.h"
#include "rules/text/pattern.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

Result<void, TrustFailure> stream(const std::string& path, const std::function<bool(Bytes)>& take) {
  const auto streamed = stream_regular_file(path, take);
  if (!streamed.has_value()) {
    return std::unexpected(TrustFailure{TrustError::Unreadable, path + ": " + streamed.error()});
  }
  return {};
}

TrustFailure from(const BundleError& error, const std::string& file) {
  TrustError code = TrustError::Malformed;
  switch (error.kind) {
    case BundleErrorKind::Malformed: break;
    case BundleErrorKind::TooLarge: code = TrustError::TooLarge; break;
    case BundleErrorKind::Counts: code = TrustError::Counts; break;
  }
  return {code, to_string(error.where, file)};
}
TrustFailure too_large(const std::string& path, std::uint64_t max_bytes) {
  return {TrustError::TooLarge, path + ": over " + std::to_string(max_bytes) + " bytes"};
}

/// The rule for patterns holds whoever wrote the bundle, and with whatever tool.
Result<void, TrustFailure> check_patterns(const Snapshot& snapshot, const std::string& path) {
  for (const OrderWithTargets& order : snapshot.orders) {
    for (const Target& target : order.targets) {
      const auto* pattern = std::get_if<PatternTarget>(&target);
      if (pattern == nullptr) continue;
      if (const auto checked = check_pattern_text(pattern->pattern); !checked.has_value()) {
        return std::unexpected(TrustFailure{TrustError::Malformed, path + ": order " + order.order.id + ": pattern " +
                                                                       pattern->pattern + ": " + checked.error().what});
      }
    }
  }
  return {};
}

}  // namespace

Result<std::string, TrustFailure> read_small_file(const std::string& path, std::size_t max_bytes) {
  std::string out;
  const auto read = stream(path, [&](Bytes bytes) {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return out.size() <= max_bytes;
  });
  if (!read.has_value()) return std::unexpected(read.error());
  if (out.size() > max_bytes) {
    return std::unexpected(too_large(path, max_bytes));
  }
  return out;
}

Result<std::vector<SignatureFile>, TrustFailure> load_signatures(const std::vector<std::string>& paths) {
  if (paths.empty()) return std::unexpected(TrustFailure{TrustError::Unsigned, "no signature file"});
  if (paths.size() > kMaxSignatures)
    return std::unexpected(TrustFailure{TrustError::TooLarge, "too many signature files"});
  std::vector<SignatureFile> out;
  for (const std::string& path : paths) {
    auto text = read_small_file(path, kMaxMinisignBytes);
    // One that cannot be read counts for nothing, as any that anybody could add.
    if (!text.has_value()) {
      out.push_back({text.error().detail, {}});
    } else {
      out.push_back({path, std::move(*text)});
    }
  }
  return out;
}

Result<SignedText, TrustFailure> load_signed(const std::string& path, std::uint64_t max_bytes) {
  SignedText out;
  Digester digester;
  const auto read = stream(path, [&](Bytes bytes) {
    digester.add(bytes);
    out.bytes.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return out.bytes.size() <= max_bytes;
  });
  if (!read.has_value()) return std::unexpected(read.error());
  if (out.bytes.size() > max_bytes) return std::unexpected(too_large(path, max_bytes));
  out.digests = digester.finish();
  return out;
}

Result<VerifiedArrival, TrustFailure> verify_arrival(const Root& root, const std::string& file,
                                                     std::span<const SignatureFile> signatures,
                                                     const BundleLimits& limits, UnixSeconds now,
                                                     WhenExpired when_expired) {
  auto text = load_signed(file, limits.bytes);
  if (!text.has_value()) return std::unexpected(text.error());
  const auto by = verify_signatures(root, text->digests.blake2b, signatures);
  if (!by.has_value()) return std::unexpected(by.error());
  // From here on the text is one that enough keys of the root have signed.
  const auto header = read_bundle_header(text->bytes);
  if (!header.has_value()) return std::unexpected(from(header.error(), file));
  auto verified = judge_header(root, *header, text->digests, *by, now, when_expired);
  if (!verified.has_value()) return std::unexpected(verified.error());
  return VerifiedArrival{*std::move(verified), *std::move(text)};
}

Result<std::string, TrustFailure> result_of(const VerifiedArrival& arrival, std::string_view base,
                                            const BundleLimits& limits) {
  const auto delta = read_delta(arrival.text.bytes, limits);
  if (!delta.has_value()) return std::unexpected(from(delta.error(), "delta"));
  const auto cut = SnapshotText::read(base);
  if (!cut.has_value()) return std::unexpected(TrustFailure{TrustError::DeltaBase, to_string(cut.error(), "base")});
  auto result = apply_delta(*cut, *delta);
  if (!result.has_value()) return std::unexpected(TrustFailure{TrustError::DeltaResult, result.error()});
  if (sha256_of(*result) != arrival.verified.sha256) {
    return std::unexpected(TrustFailure{TrustError::DeltaResult, "another snapshot results than was signed"});
  }
  return *std::move(result);
}

Result<void, TrustFailure> read_bundle_text(std::string_view text, const std::string& file, const BundleLimits& limits,
                                            BundleCallbacks callbacks) {
  BundleReader reader(std::move(callbacks), limits);
  auto parsed = reader.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  if (parsed.has_value()) parsed = reader.finish();
  if (!parsed.has_value()) return std::unexpected(from(parsed.error(), file));
  return {};
}

Result<Verified, TrustFailure> verify_bundle_file(const Root& root, const BundlePaths& paths,
                                                  const BundleLimits& limits, UnixSeconds now, WhenExpired when_expired,
                                                  BundleCallbacks callbacks) {
  const auto signatures = load_signatures(paths.signatures);
  if (!signatures.has_value()) return std::unexpected(signatures.error());
  const bool is_delta = !paths.delta.empty();
  auto arrival = verify_arrival(root, is_delta ? paths.delta : paths.bundle, *signatures, limits, now, when_expired);
  if (!arrival.has_value()) return std::unexpected(arrival.error());
  if (is_delta != arrival->verified.delta.has_value()) {
    return std::unexpected(TrustFailure{TrustError::Malformed, "a delta in the place of a snapshot, or the reverse"});
  }
  if (is_delta) {
    auto whole = load_signed(paths.bundle, limits.bytes);
    if (!whole.has_value()) return std::unexpected(whole.error());
    if (whole->digests.sha256 != arrival->verified.sha256) {
      return std::unexpected(
          TrustFailure{TrustError::DeltaResult, paths.bundle + ": not the snapshot that was signed"});
    }
    arrival->text = *std::move(whole);
  }
  const auto parsed = read_bundle_text(arrival->text.bytes, paths.bundle, limits, std::move(callbacks));
  if (!parsed.has_value()) return std::unexpected(parsed.error());
  return std::move(arrival->verified);
}

Result<VerifiedSnapshot, TrustFailure> read_verified_bundle(const Root& root, const BundlePaths& paths,
                                                            const BundleLimits& limits, UnixSeconds now,
                                                            WhenExpired when_expired) {
  VerifiedSnapshot out;
  BundleCallbacks callbacks;
  callbacks.header = [&](const SnapshotHeader& header) { out.snapshot.header = header; };
  callbacks.order = [&](Order&& order) { out.snapshot.orders.push_back({std::move(order), {}}); };
  callbacks.target = [&](Target&& target) { out.snapshot.orders.back().targets.push_back(std::move(target)); };
  auto verified = verify_bundle_file(root, paths, limits, now, when_expired, std::move(callbacks));
  if (!verified.has_value()) return std::unexpected(verified.error());
  out.verified = std::move(*verified);
  if (auto checked = check_patterns(out.snapshot, paths.bundle); !checked.has_value()) {
    return std::unexpected(std::move(checked.error()));
  }
  return out;
}

}  // namespace sluice
