#pragma once

#include <CLI/CLI.hpp>

namespace sluice {

/// sluicectl receipts (what a gateway acknowledged) and sluicectl receipt verify. The outcome of the one that was
/// chosen lands in `code`.
void add_receipt_commands(CLI::App& app, int& code);

}  // namespace sluice
