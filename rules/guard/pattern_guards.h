#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "rules/guard/guard_run.h"

namespace sluice {

struct PatternFinding {
  std::string code, detail, instead;
};
/// What the guards say of one pattern.
struct PatternVerdict {
  std::size_t order = 0, target = 0;
  std::string pattern;
  std::vector<PatternFinding> findings;
  Blast blast;
};

/// Guards G1, G2, G4, G5 and G6 for the patterns of a bundle: by what they end in, and by what of the lists they match.
class PatternGuards {
 public:
  explicit PatternGuards(const Guard& guard) : guard_(guard) {}

  /// `g5_overridden`: a pattern below a popular name or shared platform is let be.
  void add(std::size_t order, std::size_t target, const std::string& pattern, bool g5_overridden);
  /// One verdict a pattern, in the order of add().
  [[nodiscard]] std::vector<PatternVerdict> judge(const std::set<std::string>& appeal_hosts) const;

 private:
  struct Added {
    std::size_t order, target;
    std::string pattern;
    bool g5_overridden;
  };
  void judge_endings(const Added& added, PatternVerdict& verdict) const;
  void scan(std::vector<PatternVerdict>& verdicts, const std::set<std::string>& appeal_hosts) const;

  const Guard& guard_;
  std::vector<Added> added_;
};

}  // namespace sluice
