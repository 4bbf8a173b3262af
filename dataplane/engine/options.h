#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/filter/pipeline.h"
#include "dataplane/filter/policy.h"

namespace sluice {

enum class PortKind : std::uint8_t {
  Xdp,     ///< kernel driver, AF_XDP behind the steer program of sluice-wire
  Packet,  ///< AF_PACKET
  Pci,     ///< DPDK driver
  Pcap,    ///< captures: read once, written whole
};

/// One `--port ROLE=KIND:DEVICE`.
struct PortSpec {
  PortKind kind = PortKind::Xdp;
  Side side = Side::Subscriber;
  std::string device;  ///< interface, PCI address, or capture to read (may be empty)
  std::string output;  ///< capture to write; empty: frames sent here vanish
  std::string name;    ///< KIND:DEVICE as given, for messages
};

/// The command line, checked.
struct Options {
  std::vector<PortSpec> ports;  ///< subscriber, internet, subscriber, internet, …: neighbours are a pair
  std::filesystem::path image, image_key;
  unsigned workers = 1;
  std::vector<unsigned> cpus;  ///< one a worker; empty: not pinned
  Policy policy;
  std::filesystem::path run_dir = "/run/sluice";
  std::filesystem::path wire_dir = "/run/sluice/bpf";
  unsigned memory_mb = 512;
  bool huge = false;           ///< insist on huge pages
  std::optional<gid_t> group;  ///< who may read counters and ask the telemetry socket
  std::uint64_t max_image_bytes = std::uint64_t{4096} << 20;
};

/// Why there are no options: exit code 0 where help was asked for, 2 otherwise.
struct UsageError {
  int exit_code = 2;
  std::string message;
};

[[nodiscard]] Result<Options, UsageError> parse_options(int argc, const char* const* argv);

}  // namespace sluice
