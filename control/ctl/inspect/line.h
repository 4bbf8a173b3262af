#pragma once

#include <cstdint>
#include <string>

#include "control/ctl/inspect/inspect.h"
#include "dataplane/filter/pipeline.h"

namespace sluice {

/// Appends the line for one name; `rules` null: without a verdict.
void append_line(std::string& out, InspectOptions::Format format, std::uint64_t frame, std::int64_t seconds,
                 std::uint32_t nanoseconds, const NameSeen& seen, const RuleSet* rules);

}  // namespace sluice
