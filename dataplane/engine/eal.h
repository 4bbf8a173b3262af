#pragma once

#include <string>

#include "dataplane/base/result.h"
#include "dataplane/engine/options.h"

namespace sluice {

/// Starts DPDK's environment: memory, one lcore for the main thread (0, not pinned) and one for each worker (1…),
/// telemetry below run_dir. To be called once, with SIGTERM and SIGINT already blocked. Error: why it could not start.
[[nodiscard]] Result<void, std::string> start_eal(const Options& options);

/// Opens the telemetry socket's folder to the group: 0750, socket 0660.
void share_telemetry(const Options& options);

}  // namespace sluice
