#pragma once

#include <string>
#include <string_view>

#include "dataplane/base/result.h"
#include "rules/model/name.h"

namespace sluice {

struct TargetProblem {
  std::string code;  ///< "E_SCOPE", "G1", or empty where the text is no name at all
  std::string what;
};

/// Text of a name target as an author wrote it → canonical name. E_SCOPE for URLs, accounts and addresses; G1 (asked of
/// blocks only) for public suffixes and what is above one.
[[nodiscard]] Result<Name, TargetProblem> read_name_target(std::string_view text, bool block);

}  // namespace sluice
