#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/abi.h"
#include "bpf/wire/pins.h"
#include "bpf/wire/steer.h"
#include "dataplane/base/result.h"

namespace sluice {

/// The two ports of an inline pair, in the network namespace of the caller; or a mirror port alone (no second): what no
/// live worker takes of it is dropped, since copies are never forwarded.
struct WirePair {
  std::string first, second;
};

struct AttachOptions {
  std::uint64_t max_age_ms = 100;
  sluice_wire_fallback fallback = SLUICE_FALLBACK_FORWARD;
  XdpMode mode = XdpMode::Native;
  std::optional<gid_t> group;  ///< of folders and pins: its members may flip the bypass switch
};

/// Attaches steer programs to the ports of each pair, or replaces those that are attached there in place: maps
/// (sockets, bypass switch, totals) stay and no packet is lost. All or nothing for what was not attached before.
[[nodiscard]] Result<void, WireError> attach(const Pins& pins, const std::vector<WirePair>& pairs,
                                             const AttachOptions& options);

/// Takes the programs off the interfaces (all if empty) and removes their pins. Fine where nothing is attached, and
/// where an interface is gone.
[[nodiscard]] Result<void, WireError> detach(const Pins& pins, std::vector<std::string> interfaces);

/// Sets the bypass switch of every attached interface. An error where none is attached.
[[nodiscard]] Result<void, WireError> set_bypass(const Pins& pins, bool on);

struct QueueStatus {
  std::uint32_t queue;
  std::uint64_t age_ns;  ///< since the worker's last poll
};

struct InterfaceStatus {
  std::string name;
  bool attached = false;           ///< false: the pins are there, but the interface is gone
  std::uint32_t ifindex = 0;       ///< 0 where not attached
  std::uint32_t peer_ifindex = 0;  ///< 0: no other port
  std::uint32_t program_id = 0;
  sluice_wire_config config{};
  std::vector<QueueStatus> queues;  ///< those that were ever polled
  std::array<sluice_wire_count, SLUICE_WIRE_COUNTERS> counters{};
};

/// Every interface with pins, sorted by name. Empty where nothing is attached.
[[nodiscard]] Result<std::vector<InterfaceStatus>, WireError> status(const Pins& pins);

/// Name of a counter as `status` prints it.
[[nodiscard]] const char* counter_name(sluice_wire_counter counter) noexcept;

}  // namespace sluice
