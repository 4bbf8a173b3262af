#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/engine/ports.h"
#include "dataplane/engine/rule_switch.h"
#include "dataplane/engine/worker.h"

namespace sluice {

/// What the telemetry commands answer from. All of it outlives the Telemetry.
struct TelemetrySources {
  const Options& options;
  const Ports& ports;
  RuleSwitch& rules;
  const std::vector<WorkerStatus>& statuses;
  const std::vector<std::unique_ptr<Worker>>& workers;
  std::uint64_t started_unix_s;
};

/// Serves /sluice/health and /sluice/load on DPDK's telemetry socket for as long as it lives; one at a time. DPDK
/// answers each client on a thread of its own, and knows no way to take a command back.
class Telemetry {
 public:
  explicit Telemetry(const TelemetrySources& sources);
  /// Waits for commands that are under way; later ones get null.
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
};

}  // namespace sluice
