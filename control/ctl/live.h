#pragma once

#include <string>

namespace sluice {

// The commands that ask sluiced. Each prints to stdout (errors: one line on stderr) and returns the exit code of
// docs/interfaces.md: 0 fine, 1 the answer is no, 3 sluiced is out of reach.

struct LiveOptions {
  std::string socket = "/run/sluice/sluiced.sock";
  std::string wire = "/run/sluice/bpf";
  bool json = false;
};

int run_status(const LiveOptions& options, bool causes);
int run_why(const LiveOptions& options, const std::string& name, const std::string& method, const std::string& qtype);
int run_orders(const LiveOptions& options, const std::string& feed);
int run_apply(const LiveOptions& options);
/// Where sluiced does not answer and we are root: sets the switch in the wire maps ourselves.
int run_bypass(const LiveOptions& options, bool on);

/// An RPZ zone of what stands at the gateway; `out` empty: to stdout.
int run_export_live(const LiveOptions& options, const std::string& zone, const std::string& out);

}  // namespace sluice
