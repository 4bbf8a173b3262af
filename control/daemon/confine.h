#pragma once

#include <string>

#include "dataplane/base/result.h"

namespace sluice {

/// From here on this process has no capability and gets none (no_new_privs), starts no program and no other process,
/// traces nobody, mounts and loads nothing, and opens Unix sockets only (seccomp; such calls fail with EPERM). Sockets
/// that are open go on working. Before any thread is started: threads inherit it. The error is a line for people.
[[nodiscard]] Result<void, std::string> confine_sluiced();

}  // namespace sluice
