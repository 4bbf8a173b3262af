#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/reply/ways_back.h"

namespace sluice {

using MacAddress = std::array<std::uint8_t, 6>;

/// Who takes replies on, on the wire of an injection port.
struct NextHop {
  MacAddress mac{};
  std::uint8_t tags = 0;                ///< 0 to 2
  std::array<std::uint16_t, 2> vlan{};  ///< VLAN ids, outer first: of two the outer tag is 0x88a8 (802.1ad)
};

/// The injection port of mirror mode: replies leave on it as plain IP, whatever their trigger was wrapped in.
struct Injection {
  MacAddress source{};  ///< the port's own
  NextHop to_subscribers, to_internet;
};

/// How replies find their way where that is more than turning the trigger's headers around.
struct Paths {
  std::optional<Injection> injection;  ///< mirror mode
  WaysBack ways_back;                  ///< through tunnels; in mirror mode: those whose packets are believed
};

}  // namespace sluice
