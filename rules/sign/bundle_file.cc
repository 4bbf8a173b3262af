#include "rules/sign/bundle_file.h"

#include <functional>

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

TrustError from(BundleErrorKind kind) noexcept {
  switch (kind) {
    case BundleErrorKind::Malformed: return TrustError::Malformed;
    case BundleErrorKind::TooLarge: return TrustError::TooLarge;
    case BundleErrorKind::Counts: return TrustError::Counts;
  }
  return TrustError::Malformed;
}

Result<std::vector<SignatureFile>, TrustFailure> read_signatures(const std::vector<std::string>& paths) {
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
    return std::unexpected(TrustFailure{TrustError::TooLarge, path + ": over " + std::to_string(max_bytes) + " bytes"});
  }
  return out;
}

Result<Verified, TrustFailure> verify_bundle_file(const Root& root, const BundlePaths& paths,
                                                  const BundleLimits& limits, UnixSeconds now, WhenExpired when_expired,
                                                  BundleCallbacks callbacks) {
  const auto signatures = read_signatures(paths.signatures);
  if (!signatures.has_value()) return std::unexpected(signatures.error());

  SnapshotHeader header;
  const auto also = std::move(callbacks.header);
  callbacks.header = [&](const SnapshotHeader& read) {
    header = read;
    if (also) also(read);
  };
  BundleReader reader(std::move(callbacks), limits);
  Digester digester;
  Result<void, BundleError> parsed;
  const auto streamed = stream(paths.bundle, [&](Bytes bytes) {
    digester.add(bytes);
    parsed = reader.add(bytes);
    return parsed.has_value();
  });
  if (!streamed.has_value()) return std::unexpected(streamed.error());
  if (parsed.has_value()) parsed = reader.finish();
  if (!parsed.has_value()) {
    return std::unexpected(TrustFailure{from(parsed.error().kind), to_string(parsed.error().where, paths.bundle)});
  }
  return verify_bundle(root, header, digester.finish(), *signatures, now, when_expired);
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
