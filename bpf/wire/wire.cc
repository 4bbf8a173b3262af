#include "bpf/wire/wire.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <time.h>

#include <cerrno>

namespace sluice {
namespace {

constexpr std::uint32_t kFirst = 0;
constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kNsPerS = 1'000'000'000;

struct Port {
  std::string name;
  unsigned ifindex;
  unsigned peer_ifindex;  ///< 0: a mirror port
};

Result<std::vector<Port>, WireError> ports_of(const std::vector<WirePair>& pairs) {
  std::vector<Port> ports;
  for (const WirePair& pair : pairs) {
    const unsigned first = ::if_nametoindex(pair.first.c_str());
    const unsigned second = pair.second.empty() ? 0 : ::if_nametoindex(pair.second.c_str());
    if (first == 0 || (second == 0 && !pair.second.empty())) {
      const std::string& missing = first == 0 ? pair.first : pair.second;
      return std::unexpected(WireError{missing + ": no such interface in this network namespace"});
    }
    ports.push_back({pair.first, first, second});
    if (second != 0) ports.push_back({pair.second, second, first});
  }
  return ports;
}

/// Interface that a link holds on to; 0 once that interface is gone.
std::optional<bpf_link_info> link_info(const Fd& link) {
  bpf_link_info info{};
  __u32 size = sizeof info;
  if (!link || ::bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0) return std::nullopt;
  return info;
}

/// Whether this very link serves the port. The index alone does not say so: a port of the same index may be in another
/// network namespace, or in one that is being taken down.
bool serves(const Fd& link, const Port& port) {
  const auto info = link_info(link);
  __u32 program = 0;
  return info && info->xdp.ifindex == port.ifindex &&
         ::bpf_xdp_query_id(static_cast<int>(port.ifindex), 0, &program) == 0 && program == info->prog_id;
}

Result<void, WireError> configure(const Steer& steer, const Port& port, const AttachOptions& options) {
  sluice_wire_config config{};
  if (::bpf_map_lookup_elem(steer.config_fd(), &kFirst, &config) != 0) {
    return std::unexpected(wire_error(port.name + ": read its config", errno));
  }
  config.heartbeat_max_age_ns = options.max_age_ms * kNsPerMs;  // bypass stays as it is
  config.fallback = options.fallback;
  if (::bpf_map_update_elem(steer.config_fd(), &kFirst, &config, BPF_ANY) != 0) {
    return std::unexpected(wire_error(port.name + ": write its config", errno));
  }
  const std::uint32_t peer = port.peer_ifindex;
  if (peer == 0) {  // none, nor one from an earlier attach
    if (::bpf_map_delete_elem(steer.peer_fd(), &kFirst) == 0 || errno == ENOENT) return {};
    return std::unexpected(wire_error(port.name + ": take its peer port away", errno));
  }
  if (::bpf_map_update_elem(steer.peer_fd(), &kFirst, &peer, BPF_ANY) != 0) {
    return std::unexpected(wire_error(port.name + ": set its peer port", errno));
  }
  return {};
}

WireError attach_error(const Port& port, XdpMode mode, int error) {
  const char* hint = "";
  if (error == EBUSY) hint = " (another XDP program is attached: see `ip link show`)";
  if (error == EOPNOTSUPP || error == EINVAL || error == ERANGE) {
    hint = " (driver or MTU without native XDP? try a smaller MTU or --mode generic)";
  }
  const char* how = mode == XdpMode::Native ? "native" : "generic";
  auto failed = wire_error(fmt::format("{}: attach in {} mode", port.name, how), error);
  failed.text += hint;
  return failed;
}

Result<void, WireError> attach_new(const Pins& pins, const Port& port, const AttachOptions& options) {
  if (auto done = pins.remove(port.name); !done) return done;  // of an interface that is gone
  const auto steer = Steer::load(pins, port.name, false);
  if (!steer) return std::unexpected(steer.error());
  if (auto done = configure(*steer, port, options); !done) return done;
  if (auto done = steer->pin(pins, port.name); !done) return done;
  LIBBPF_OPTS(bpf_link_create_opts, create);
  create.flags = options.mode == XdpMode::Native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  const Fd link(::bpf_link_create(steer->program_fd(), static_cast<int>(port.ifindex), BPF_XDP, &create));
  if (!link) return std::unexpected(attach_error(port, options.mode, errno));
  if (auto done = pins.pin(link.get(), port.name, SLUICE_PIN_LINK); !done) return done;
  return pins.set_access(port.name, options.group);
}

Result<void, WireError> replace(const Pins& pins, const Port& port, const AttachOptions& options, const Fd& link) {
  const auto steer = Steer::load(pins, port.name, true);
  if (!steer) return std::unexpected(steer.error());
  if (auto done = configure(*steer, port, options); !done) return done;
  if (::bpf_link_update(link.get(), steer->program_fd(), nullptr) != 0) {
    return std::unexpected(wire_error(port.name + ": replace its program", errno));
  }
  if (auto done = pins.pin(steer->program_fd(), port.name, SLUICE_PIN_PROG); !done) return done;
  return pins.set_access(port.name, options.group);
}

Result<void, WireError> detach_one(const Pins& pins, const std::string& interface) {
  const Fd link = pins.open(interface, SLUICE_PIN_LINK);
  // Unpinning alone would take the program off some time later. Fails harmlessly where the interface is gone.
  if (link) ::bpf_link_detach(link.get());
  return pins.remove(interface);
}

std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kNsPerS + static_cast<std::uint64_t>(now.tv_nsec);
}

void read_queues(const Fd& heartbeats, InterfaceStatus& status) {
  for (std::uint32_t queue = 0; queue < SLUICE_MAX_QUEUES; ++queue) {
    std::uint64_t beat = 0;
    if (::bpf_map_lookup_elem(heartbeats.get(), &queue, &beat) != 0 || beat == 0) continue;
    const std::uint64_t now = monotonic_ns();
    status.queues.push_back({queue, now > beat ? now - beat : 0});
  }
}

void read_counters(const Fd& counters, InterfaceStatus& status) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return;
  std::vector<sluice_wire_count> per_cpu(static_cast<std::size_t>(cpus));
  for (std::uint32_t i = 0; i < SLUICE_WIRE_COUNTERS; ++i) {
    if (::bpf_map_lookup_elem(counters.get(), &i, per_cpu.data()) != 0) continue;
    for (const sluice_wire_count& count : per_cpu) {
      status.counters[i].pkts += count.pkts;
      status.counters[i].bytes += count.bytes;
    }
  }
}

Result<InterfaceStatus, WireError> status_of(const Pins& pins, const std::string& interface) {
  InterfaceStatus status;
  status.name = interface;
  if (const auto info = link_info(pins.open(interface, SLUICE_PIN_LINK))) {
    status.ifindex = info->xdp.ifindex;
    status.attached = status.ifindex != 0;
    status.program_id = info->prog_id;
  }
  const Fd config = pins.open_to_read(interface, SLUICE_PIN_CONFIG);
  if (!config) return std::unexpected(wire_error("open " + pins.path(interface, SLUICE_PIN_CONFIG), errno));
  ::bpf_map_lookup_elem(config.get(), &kFirst, &status.config);
  const Fd peer = pins.open_to_read(interface, SLUICE_PIN_PEER);
  ::bpf_map_lookup_elem(peer.get(), &kFirst, &status.peer_ifindex);
  read_queues(pins.open_to_read(interface, SLUICE_PIN_HEARTBEAT), status);
  read_counters(pins.open_to_read(interface, SLUICE_PIN_COUNTERS), status);
  return status;
}

}  // namespace

Result<void, WireError> attach(const Pins& pins, const std::vector<WirePair>& pairs, const AttachOptions& options) {
  const auto ports = ports_of(pairs);
  if (!ports) return std::unexpected(ports.error());
  if (auto done = pins.mount(); !done) return done;
  std::vector<std::string> fresh;
  for (const Port& port : *ports) {
    const Fd link = pins.open(port.name, SLUICE_PIN_LINK);
    const bool in_place = serves(link, port);
    if (!in_place) fresh.push_back(port.name);
    auto done = in_place ? replace(pins, port, options, link) : attach_new(pins, port, options);
    if (!done) {
      if (const auto undone = fresh.empty() ? Result<void, WireError>{} : detach(pins, fresh); !undone) {
        done.error().text += "; and then " + undone.error().text;
      }
      return done;
    }
  }
  return {};
}

Result<void, WireError> detach(const Pins& pins, std::vector<std::string> interfaces) {
  if (interfaces.empty()) interfaces = pins.interfaces();
  for (const std::string& interface : interfaces) {
    if (auto done = detach_one(pins, interface); !done) return done;
  }
  return pins.unmount();
}

Result<void, WireError> set_bypass(const Pins& pins, bool on) {
  const auto interfaces = pins.interfaces();
  if (interfaces.empty()) return std::unexpected(WireError{"nothing is attached"});
  for (const std::string& interface : interfaces) {
    const Fd map = pins.open(interface, SLUICE_PIN_CONFIG);
    sluice_wire_config config{};
    if (!map || ::bpf_map_lookup_elem(map.get(), &kFirst, &config) != 0) {
      return std::unexpected(wire_error(interface + ": read its config", errno));
    }
    config.bypass = on ? 1 : 0;
    if (::bpf_map_update_elem(map.get(), &kFirst, &config, BPF_ANY) != 0) {
      return std::unexpected(wire_error(interface + ": write its config", errno));
    }
  }
  return {};
}

Result<std::vector<InterfaceStatus>, WireError> status(const Pins& pins) {
  std::vector<InterfaceStatus> all;
  for (const std::string& interface : pins.interfaces()) {
    auto one = status_of(pins, interface);
    if (!one) return std::unexpected(one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

const char* counter_name(sluice_wire_counter counter) noexcept {
  switch (counter) {
    case SLUICE_WIRE_STEERED: return "steered";
    case SLUICE_WIRE_BYPASS: return "bypass";
    case SLUICE_WIRE_NO_SOCKET: return "no_socket";
    case SLUICE_WIRE_STALE: return "stale";
    case SLUICE_WIRE_DROPPED: return "dropped";
    case SLUICE_WIRE_NO_PEER: return "no_peer";
    case SLUICE_WIRE_COUNTERS: break;
  }
  return "";
}

}  // namespace sluice
