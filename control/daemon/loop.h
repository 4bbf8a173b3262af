#pragma once

#include "rules/text/config.h"

namespace sluice {

/// Runs sluiced until SIGTERM or SIGINT. Returns the exit code: 0 ended as asked. Throws std::system_error where it
/// cannot start (socket, inbox, state folder, a second instance).
///
/// Threads, and what each owns: this one the API, the signals and every lookup in the rules; IntakeWorker's the inbox,
/// the store and sluice-compile; DataplaneWatch's the telemetry socket. They share immutable views (Latest) and Alarms,
/// nothing else. Where the log is served, a thread of libmicrohttpd
/// reads its public files.
int run_sluiced(const Config& config);

}  // namespace sluice
