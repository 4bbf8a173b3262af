#pragma once

#include <string>

#include "dataplane/base/result.h"

namespace sluice {

/// From here on this process, and whatever it becomes, makes no socket, connects none, traces nobody and starts no
/// program (seccomp; such calls fail with EPERM). Sockets that are open go on working.
[[nodiscard]] Result<void, std::string> give_up_network();

}  // namespace sluice
