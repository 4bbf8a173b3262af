#pragma once

#include <ctime>

#include "rules/model/order.h"

namespace sluice {

/// The second that orders and bundles are judged by: CLOCK_REALTIME, UTC.
[[nodiscard]] inline UnixSeconds now_s() noexcept {
  return static_cast<UnixSeconds>(std::time(nullptr));
}

}  // namespace sluice
