#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/image/format.h"

namespace sluice {

/// What the pattern database is compiled from; the index is the Hyperscan id.
struct PatternSource {
  std::string_view text;  ///< an expression or a canonical name
  PatternKind kind = PatternKind::Pattern;
};

struct PatternError {
  std::size_t index = 0;  ///< which one does not compile
  bool out_of_memory = false;
  std::string message;  ///< Hyperscan's words
};

/// The expression that stands for a source, anchored at both ends of the name.
[[nodiscard]] std::string anchored_expression(const PatternSource& source);

/// Nothing where Hyperscan takes `pattern` for a whole-name match, else its reason. The same check as at the build.
[[nodiscard]] std::string why_not_compilable(const std::string& pattern);

/// hs_serialize_database() of one block-mode database of all sources, which are at least one.
[[nodiscard]] Result<std::vector<std::uint8_t>, PatternError> compile_patterns(
    const std::vector<PatternSource>& sources);

}  // namespace sluice
