#pragma once

#include <map>
#include <string>
#include <string_view>

namespace sluice {

// The commands that ask sluiced. Each prints to stdout (errors: one line on stderr) and returns the exit code of
// docs/interfaces.md: 0 fine, 1 the answer is no, 3 sluiced is out of reach.

struct LiveOptions {
  std::string socket = "/run/sluice/sluiced.sock";
  std::string wire = "/run/sluice/bpf";
  bool json = false;
};

/// Asks, prints the answer as JSON or as `show` makes it, and gives the exit code: also 1 where the answer says that it
/// is not "ok" (a bundle was refused, the data plane does not run the image).
int print_outcome(const LiveOptions& options, std::string_view method, std::string_view path,
                  const std::map<std::string, std::string>& query, const std::string& body,
                  std::string (*show)(std::string_view json));

int run_status(const LiveOptions& options, bool causes);
int run_why(const LiveOptions& options, const std::string& name, const std::string& method, const std::string& qtype);
int run_orders(const LiveOptions& options, const std::string& feed);
int run_apply(const LiveOptions& options);
int run_alarms(const LiveOptions& options);
/// Acknowledges an alarm that stays until then; `feed` empty: of no feed.
int run_ack(const LiveOptions& options, const std::string& code, const std::string& feed);
/// Where sluiced does not answer and we are root: sets the switch in the wire maps ourselves.
int run_bypass(const LiveOptions& options, bool on);

/// An RPZ zone of what stands at the gateway; `out` empty: to stdout.
int run_export_live(const LiveOptions& options, const std::string& zone, const std::string& out);

}  // namespace sluice
