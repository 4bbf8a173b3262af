#pragma once

#include <CLI/CLI.hpp>
#include <ctime>
#include <functional>
#include <string>
#include <utility>

#include "rules/model/order.h"

namespace sluice {

/// The second that orders and roots are judged by on this machine.
[[nodiscard]] inline UnixSeconds now_s() {
  return static_cast<UnixSeconds>(std::time(nullptr));
}

/// A subcommand that leaves what `run` returns in `code`.
inline CLI::App* add_command(CLI::App& parent, int& code, const std::string& name, const std::string& what,
                             std::function<int()> run) {
  CLI::App* command = parent.add_subcommand(name, what);
  command->callback([&code, run = std::move(run)] { code = run(); });
  return command;
}

}  // namespace sluice
