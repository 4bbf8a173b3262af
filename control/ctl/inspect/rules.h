#pragma once

#include <memory>
#include <string>

#include "control/ctl/inspect/inspect.h"
#include "dataplane/base/result.h"
#include "dataplane/match/matcher.h"

namespace sluice {

/// The rules that the options ask for, ready to match; null where they ask for none. Else what is wrong, as "file: …".
[[nodiscard]] Result<std::unique_ptr<RuleSet>, std::string> load_rules(const InspectOptions& options);

}  // namespace sluice
