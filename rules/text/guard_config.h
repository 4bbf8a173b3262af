#pragma once

#include <string>
#include <vector>

namespace sluice {

/// Section `guards` of sluice.yaml: what an operator adds to the shipped lists. Paths are absolute.
struct GuardConfig {
  std::vector<std::string> protected_files;  ///< lines of CATEGORY exact|subtree NAME
  std::vector<std::string> popular_files;    ///< a name a line, or RANK,NAME
  std::vector<std::string> platform_files;   ///< a name a line
  std::vector<std::string> appeal_hosts;     ///< canonical: the operator's own pages
};

}  // namespace sluice
