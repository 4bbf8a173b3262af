#pragma once

#include <string>

#include "dataplane/base/result.h"

namespace sluice {

/// Gives CAP_SYS_ADMIN up for good, in every thread of the process: Linux keeps capabilities by thread, and DPDK has
/// started some before the ports, which need it, were open. Error: the thread that still holds it.
[[nodiscard]] Result<void, std::string> drop_sys_admin();

}  // namespace sluice
