#pragma once

#include <CLI/CLI.hpp>

namespace sluice {

/// root init | rotate | sign | show, sign, alarms, ack. Each leaves its exit code in `code`.
void add_trust_commands(CLI::App& app, int& code);

}  // namespace sluice
