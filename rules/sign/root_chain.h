#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "dataplane/base/result.h"
#include "rules/model/root.h"
#include "rules/sign/bundle_file.h"
#include "rules/sign/trust.h"

namespace sluice {

/// A root file that was judged.
struct JudgedRoot {
  Root root;
  bool unchanged = false;  ///< known already, byte for byte
};

/// The roots of trust of one feed: the one that the configuration pins, and those that followed it, each signed by the
/// thresholds of the one before and by its own (TUF specification 5.3). sluiced and sluice-compile each keep their own
/// chain, in a folder that nobody else writes to.
class RootChain {
 public:
  /// `pinned`: the configured file. `folder`: NUMBER.json for each root accepted since; may be absent. The error is a
  /// line for people. A pinned root that is newer than what followed (somebody replaced it by hand) is the current one.
  static Result<RootChain, std::string> load(const std::string& feed, const std::string& pinned,
                                             const std::string& folder);

  /// The newest. What arrives must be signed by its keys.
  [[nodiscard]] const Root& current() const { return roots_.rbegin()->second.root; }
  /// That version, or nullptr. What stands was signed by the keys of the root that it names.
  [[nodiscard]] const Root* find(std::uint64_t version) const;
  /// That version, or the current one where it is not known.
  [[nodiscard]] const Root& at(std::uint64_t version) const;

  /// Judges a root file. Its signatures by the current root are asked before it is parsed. WrongRoot: not the next
  /// version (a gap may still be filled), or an epoch that goes back or leaps; Equivocation: a second root of a number
  /// that stands, signed by the thresholds of the one before; else the errors of verify_signatures() by either root. An
  /// expired root may follow: it is the bundles that it then cannot sign (5.3.10).
  [[nodiscard]] Result<JudgedRoot, TrustFailure> judge(const SignedText& file,
                                                       std::span<const SignatureFile> signatures) const;

 private:
  struct Known {
    Root root;
    Sha256 sha256{};
  };
  [[nodiscard]] Result<JudgedRoot, TrustFailure> judge_known(const Known& known, const SignedText& file,
                                                             std::span<const SignatureFile> signatures) const;
  std::map<std::uint64_t, Known> roots_;  ///< by version; never empty
};

}  // namespace sluice
