#pragma once

#include <CLI/CLI.hpp>

namespace sluice {

/// sluicectl log init | append | reveal | verify, and sluicectl proof: an authority's own log, and any log from its
/// files. The outcome of the one that was chosen lands in `code`.
void add_log_commands(CLI::App& app, int& code);

}  // namespace sluice
