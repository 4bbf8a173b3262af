#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dataplane/engine/options.h"

namespace sluice {

/// Paths::ways_back from the texts of `--way-back` and the lines of a file (empty path: none), as docs/interfaces.md
/// describes them. After set_ports(). Throws BadOption (option_text.h).
void set_ways_back(Options& options, const std::vector<std::string>& texts, const std::filesystem::path& file);

}  // namespace sluice
