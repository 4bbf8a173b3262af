#pragma once

#include <string>
#include <vector>

#include "rules/model/order.h"

namespace sluice {

/// A log that this machine writes.
struct OwnLog {
  std::string folder, key, secrets;
  bool json = false;
};
/// A log that is only read.
struct AnyLog {
  std::string where;  ///< folder or URL
  std::string verifier;
  bool json = false;
};

// Each prints what it did, and returns the exit code.
int run_log_init(const OwnLog& own, const std::string& origin);
int run_log_append(const OwnLog& own, const std::vector<std::string>& bundles, UnixSeconds now);
int run_log_reveal(const OwnLog& own, UnixSeconds now);
int run_log_verify(const AnyLog& log, UnixSeconds now);
int run_proof(const AnyLog& log, const std::string& order);

}  // namespace sluice
