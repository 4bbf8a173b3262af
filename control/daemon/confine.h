#pragma once

#include <string>

#include "dataplane/base/result.h"

namespace sluice {

/// Gives up every capability, and the way to get one (no_new_privs). Before any thread is started: a thread inherits
/// what its maker has. The error is a line for people.
[[nodiscard]] Result<void, std::string> give_up_capabilities();

/// From here on no thread of this process starts a program or another process, traces, mounts or loads anything, or
/// opens a socket that is not a Unix one (seccomp; such calls fail with EPERM). Sockets that are open go on working,
/// and take connections. After give_up_capabilities().
[[nodiscard]] Result<void, std::string> give_up_calls();

}  // namespace sluice
