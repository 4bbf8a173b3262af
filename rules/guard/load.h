#pragma once

#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/guard/guard.h"
#include "rules/text/guard_config.h"

namespace sluice {

/// The shipped lists, and the files that an operator adds to them (sluice.yaml, guards). The error is one line,
/// "FILE:LINE:COLUMN: what": a gateway whose lists cannot be read does not start, rather than judge by fewer.
[[nodiscard]] Result<Guard, std::string> load_guard(const GuardConfig& config);

/// Where the public suffix list is older than half a year: a sentence that says so; else empty.
[[nodiscard]] std::string public_suffix_age(UnixSeconds now);

}  // namespace sluice
