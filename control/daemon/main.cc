#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "control/daemon/confine.h"
#include "control/daemon/loop.h"
#include "control/journal/journal.h"
#include "control/store/disk.h"
#include "rules/text/config.h"

namespace {

constexpr int kCannotStart = 1;
constexpr int kBadCommandLine = 2;
constexpr std::uint64_t kMaxConfigBytes = 1 << 20;

/// The configuration, or every error of it on stderr.
std::optional<sluice::Config> load_config(const std::string& file) {
  try {
    auto config = sluice::read_config(sluice::read_whole(file, kMaxConfigBytes));
    if (config) return *std::move(config);
    for (const sluice::TextError& error : config.error()) std::cerr << to_string(error, file) << '\n';
  } catch (const std::exception& e) {
    std::cerr << "sluiced: " << e.what() << '\n';
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"sluiced: takes signed bundles of orders, checks them, and has them enforced", "sluiced"};
  std::string config_file = "/etc/sluice/sluice.yaml";
  std::string sink = "stderr";
  app.add_option("--config", config_file, "configuration file")->capture_default_str();
  app.add_option("--log", sink, "where events go")->check(CLI::IsMember({"stderr", "journald"}))->capture_default_str();
  app.set_version_flag("--version", "sluiced " SLUICE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? EXIT_SUCCESS : kBadCommandLine;
  }
  sluice::set_log_sink(sink == "journald" ? sluice::LogSink::Journald : sluice::LogSink::Stderr);
  const auto config = load_config(config_file);
  if (!config) return kCannotStart;
  if (const auto confined = sluice::give_up_capabilities(); !confined) {
    sluice::log(sluice::LogLevel::Error, "cannot start", {{"detail", confined.error()}});
    return kCannotStart;
  }
  try {
    return sluice::run_sluiced(*config);
  } catch (const std::exception& e) {
    sluice::log(sluice::LogLevel::Error, "cannot start", {{"detail", e.what()}});
    return kCannotStart;
  }
}
