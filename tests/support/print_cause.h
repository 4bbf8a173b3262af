#pragma once

#include <ostream>

#include "dataplane/base/cause.h"

namespace sluice {

/// So that Catch2 prints causes by name; include it before the first CHECK.
inline std::ostream& operator<<(std::ostream& out, Cause cause) {
  return out << info(cause).name;
}

}  // namespace sluice
