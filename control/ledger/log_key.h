#pragma once

#include <filesystem>
#include <string>

#include "dataplane/base/result.h"
#include "rules/tlog/note.h"

namespace sluice {

/// The key that signs a log's checkpoints; its name is the log's origin. A file of one line, readable by its owner
/// alone.
[[nodiscard]] Result<NoteSigner, std::string> read_log_key(const std::filesystem::path& file);
/// Makes one; never replaces a file. The errors of both are one line.
[[nodiscard]] Result<NoteSigner, std::string> make_log_key(const std::filesystem::path& file,
                                                           const std::string& origin);

}  // namespace sluice
