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

enum class PortRole : std::uint8_t {
  Inline,  ///< one of a pair: what comes in leaves by the other
  Mirror,  ///< copies come in, nothing goes out
  Inject,  ///< answers to copies go out, what comes in is thrown away
};

/// One `--port ROLE=KIND:DEVICE`.
struct PortSpec {
  PortKind kind = PortKind::Xdp;
  PortRole role = PortRole::Inline;
  Side side = Side::Subscriber;  ///< where what it receives comes from; Inject: of no meaning
  bool both_sides = false;       ///< Mirror: copies of both directions, told apart by Policy::subscribers
  std::string device;            ///< interface, PCI address, or capture to read (may be empty)
  std::string output;            ///< capture to write; empty: frames sent here vanish
  std::string name;              ///< KIND:DEVICE as given, for messages
};
/// The word before `=`.
[[nodiscard]] const char* role_name(const PortSpec& spec) noexcept;

/// The command line, checked.
struct Options {
  /// Inline: subscriber, internet, subscriber, internet, …: neighbours are a pair. Mirror mode (policy.copies): the
  /// mirror ports, and last the injection port where there is one.
  std::vector<PortSpec> ports;
  std::filesystem::path image, image_key;
  unsigned workers = 1;
  std::vector<unsigned> cpus;  ///< one a worker; empty: not pinned
  Policy policy;               ///< but for the injection port's own MAC address
  std::filesystem::path run_dir = "/run/sluice";
  std::filesystem::path wire_dir = "/run/sluice/bpf";
  unsigned memory_mb = 512;
  unsigned pci_mtu = 0;        ///< 0: what the port and its peer carry, at most 9000
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
