#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/guard/guard_run.h"
#include "rules/text/orders_yaml.h"

namespace sluice {

/// Something that keeps an order file from being signed: a text that does not read, or an order that a guard refuses.
struct CheckError {
  FileError where;
  std::string order, target, instead;  ///< of a guard's refusal; else empty
};

/// Order files, and all that is wrong or odd in any of them.
struct Checked {
  std::vector<std::pair<std::string, OrdersFile>> files;  ///< those that could be read
  std::vector<CheckError> errors;
  std::vector<FileError> warnings;
  std::vector<TargetBlast> blast;         ///< how much of the lists each pattern and subtree hits
  std::size_t popular = 0, ordinary = 0;  ///< how many names the lists have
};

/// Reads the files and asks the guards, as a gateway with the same lists would; signatures are still to come. An order
/// that ended before `now` is an error; nothing: such an order may stand, as it ends by itself.
[[nodiscard]] Checked check_files(const std::vector<std::string>& paths, const Guard& guard,
                                  std::optional<UnixSeconds> now);

/// Errors and warnings, a line each, to stderr.
void print_findings(const Checked& checked);

[[nodiscard]] std::uint64_t targets_of(const std::vector<OrderWithTargets>& orders);

}  // namespace sluice
