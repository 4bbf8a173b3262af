#include "rules/sign/root_chain.h"

#include <charconv>
#include <filesystem>

#include "rules/text/root.h"

namespace sluice {
namespace {

std::unexpected<TrustFailure> fail(TrustError error, std::string detail) {
  return std::unexpected(TrustFailure{error, std::move(detail)});
}

std::string name(const Root& root) {
  return "root " + std::to_string(root.version) + " of " + root.feed;
}

/// "7.json" → 7; 0 for any other name.
std::uint64_t version_in(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), version);
  return file.extension() == ".json" && error == std::errc() && end == stem.data() + stem.size() ? version : 0;
}

/// What the thresholds of `by` must have signed before a byte of `file` is believed.
Result<void, TrustFailure> signed_by(const Root& by, const SignedText& file, std::span<const SignatureFile> signatures,
                                     std::uint64_t version) {
  const auto signers = verify_signatures(by, file.digests.blake2b, signatures);
  if (!signers.has_value()) {
    return fail(signers.error().error, "by the keys of " + name(by) + ": " + signers.error().detail);
  }
  const Claim want{by.feed, 0, 0, version, to_hex(file.digests.sha256)};
  if (read_claim(signers->comment) != want) {
    return fail(TrustError::BadSignature, "the trusted comment must be: feed=" + want.feed +
                                              " root=" + std::to_string(version) + " sha256=" + want.sha256);
  }
  return {};
}

}  // namespace

Result<RootChain, std::string> RootChain::load(const std::string& feed, const std::string& pinned,
                                               const std::string& folder) {
  RootChain out;
  const auto read = [&](const std::string& file) -> std::string {
    const auto text = load_signed(file, kMaxRootBytes);
    if (!text.has_value()) return text.error().detail;
    auto root = read_root(text->bytes);
    if (!root.has_value()) return to_string(root.error(), file);
    if (root->feed != feed) return file + " is the root of " + root->feed;
    out.roots_[root->version] = {*root, text->digests.sha256};
    return {};
  };
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent)) {
    if (version_in(entry.path()) == 0) continue;
    if (std::string error = read(entry.path().string()); !error.empty()) return std::unexpected(std::move(error));
  }
  if (std::string error = read(pinned); !error.empty()) return std::unexpected(std::move(error));
  return out;
}

const Root* RootChain::find(std::uint64_t version) const {
  const auto it = roots_.find(version);
  return it == roots_.end() ? nullptr : &it->second.root;
}

const Root& RootChain::at(std::uint64_t version) const {
  const Root* const found = find(version);
  return found == nullptr ? current() : *found;
}

Result<JudgedRoot, TrustFailure> RootChain::judge_known(const Known& known, const SignedText& file,
                                                        std::span<const SignatureFile> signatures) const {
  if (file.digests.sha256 == known.sha256) return JudgedRoot{known.root, true};
  const Root* const before = find(known.root.version - 1);
  if (before == nullptr) return fail(TrustError::Rollback, name(known.root) + " is known, and another");
  if (auto good = signed_by(*before, file, signatures, known.root.version); !good.has_value()) {
    return std::unexpected(good.error());
  }
  return fail(TrustError::Equivocation, name(known.root) + " was signed twice: " + to_hex(known.sha256) + " stands, " +
                                            to_hex(file.digests.sha256) + " is offered");
}

Result<JudgedRoot, TrustFailure> RootChain::judge(const SignedText& file,
                                                  std::span<const SignatureFile> signatures) const {
  if (signatures.empty()) return fail(TrustError::Unsigned, "no signature file");
  const Root& now = current();
  const auto claim = claimed(signatures);
  if (!claim || claim->root == 0)
    return fail(TrustError::BadSignature, "no signature has the trusted comment of a root");
  if (const auto known = roots_.find(claim->root); known != roots_.end()) {
    return judge_known(known->second, file, signatures);
  }
  if (claim->root < now.version) return fail(TrustError::Rollback, "older than " + name(now));
  if (claim->root > now.version + 1) {
    return fail(TrustError::WrongRoot, "root " + std::to_string(claim->root) + " cannot follow " + name(now));
  }
  if (auto good = signed_by(now, file, signatures, claim->root); !good.has_value())
    return std::unexpected(good.error());

  auto next = read_root(file.bytes);
  if (!next.has_value()) return fail(TrustError::Malformed, to_string(next.error(), "root"));
  if (next->feed != now.feed) return fail(TrustError::WrongFeed, name(*next) + " cannot follow " + name(now));
  if (next->version != claim->root) return fail(TrustError::BadSignature, "it was signed as another version");
  if (next->epoch < now.epoch || next->epoch > now.epoch + 1) {
    return fail(TrustError::WrongRoot,
                "epoch " + std::to_string(next->epoch) + " cannot follow epoch " + std::to_string(now.epoch));
  }
  if (auto good = signed_by(*next, file, signatures, claim->root); !good.has_value()) {
    return std::unexpected(good.error());
  }
  return JudgedRoot{*std::move(next), false};
}

}  // namespace sluice
