#pragma once

#include <cstddef>
#include <string>

#include "dataplane/base/result.h"

namespace sluice {

/// The bytes of a regular file (never waits on a FIFO), or why not: the system's message, or that it is over
/// `max_bytes`.
[[nodiscard]] Result<std::string, std::string> read_regular_file(const std::string& path, std::size_t max_bytes);

}  // namespace sluice
