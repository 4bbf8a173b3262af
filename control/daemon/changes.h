#pragma once

#include <filesystem>
#include <string>

#include "control/daemon/view.h"
#include "dataplane/base/result.h"

namespace sluice {

/// What GET /v1/diff says of one feed: what turned the bundle that stood before into the one that stands, with at most
/// kTargetsShown targets of an order. One JSON object; the error is a line for people.
inline constexpr std::size_t kTargetsShown = 20;
[[nodiscard]] Result<std::string, std::string> changes_json(const RulesView& view, const FeedView& feed,
                                                            const std::filesystem::path& before,
                                                            const std::filesystem::path& now);

}  // namespace sluice
