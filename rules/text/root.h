#pragma once

#include <string>
#include <string_view>

#include "dataplane/base/result.h"
#include "rules/model/root.h"
#include "rules/text/text_error.h"

namespace sluice {

inline constexpr std::size_t kMaxRootBytes = 256 * 1024;

/// root.json (docs/interfaces.md) → Root. Strict: unknown, missing and duplicate fields, keys or key numbers that stand
/// twice, thresholds of 0 or above a party's number of keys, a root without an independent threshold or of one party
/// alone, and files over 256 KiB are errors, each with its place.
[[nodiscard]] Result<Root, TextError> read_root(std::string_view text);

/// The canonical file: one member a line, keys in their order, "\n" at the end.
[[nodiscard]] std::string write_root(const Root& root);

}  // namespace sluice
