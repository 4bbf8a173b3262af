#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"

namespace sluice {

struct PatternProblem {
  std::size_t offset = 0;  ///< into the pattern
  std::string what;
};

/// The rule for patterns (feed.md 1): matched against the whole canonical name, made of literals, classes, groups,
/// alternatives and repeats.
///  - "." outside a class is escaped; no anchors, back references, look-around or flags; lower case
///  - what repeats without bound, or more than 253 times, cannot contain a dot: it stays inside one label
///  - every alternative ends in literal text of a public suffix, a dot, and at least part of one more label, which do
///    not make up a public suffix themselves
///  - Hyperscan compiles it, and it matches no listed public suffix
[[nodiscard]] Result<void, PatternProblem> check_pattern(std::string_view pattern);

/// The same but for the last of these: much faster, and enough to bound what a pattern can match.
[[nodiscard]] Result<void, PatternProblem> check_pattern_text(std::string_view pattern);

/// The literal texts in which a pattern of that rule ends: what it matches ends in one of them.
[[nodiscard]] std::vector<std::string> pattern_endings(std::string_view pattern);

}  // namespace sluice
