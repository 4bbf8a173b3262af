#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/engine/heartbeat.h"
#include "dataplane/engine/interface.h"
#include "dataplane/engine/options.h"
#include "dataplane/engine/packet_socket.h"

struct rte_mbuf;
struct rte_mempool;

namespace sluice {

/// Where one worker receives and sends on one port.
struct PortQueue {
  std::uint16_t device = 0;        ///< ethdev
  std::uint16_t queue = 0;         ///< of that ethdev
  PacketSocket* packet = nullptr;  ///< instead of an ethdev
  int socket = -1;                 ///< to wait on while idle; -1 where there is none
  Heartbeat* heartbeat = nullptr;
  unsigned channel = 0;  ///< kernel receive queue, index of the heartbeat
};

/// At most `most` received frames, or what of `count` frames could be sent: as rte_eth_rx_burst and rte_eth_tx_burst.
/// Sending nothing wakes the kernel for what still stands in the ring.
std::uint16_t receive(const PortQueue& from, rte_mbuf** frames, std::uint16_t most) noexcept;
std::uint16_t transmit(const PortQueue& to, rte_mbuf** frames, std::uint16_t count) noexcept;

struct PortCounts {
  std::uint64_t imissed = 0, rx_nombuf = 0;
};

/// One opened port: an ethdev with a queue for every worker; or (xdp:) an ethdev for every worker, because net_af_xdp
/// counts only combined channels and a veth has none; or (packet:) a socket for every worker.
class Port {
 public:
  [[nodiscard]] const PortSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const PortQueue& queue(unsigned worker) const noexcept { return queues_[worker]; }
  /// True where a frame in several segments may be sent: net_af_xdp would read past its first one.
  [[nodiscard]] bool takes_segments() const noexcept { return takes_segments_; }
  [[nodiscard]] bool has_link() const noexcept;
  /// Takes the link of this port away, or gives it back: loss of link passes through an inline pair.
  void set_link(bool up) const noexcept;
  [[nodiscard]] PortCounts counts() const noexcept;
  [[nodiscard]] MacAddress mac() const noexcept;

 private:
  friend class PortOpener;
  friend class Ports;
  PortSpec spec_;
  std::optional<Interface> interface_;
  std::unique_ptr<Heartbeat> heartbeat_;
  bool takes_segments_ = false;
  std::vector<std::uint16_t> devices_;
  std::vector<std::unique_ptr<PacketSocket>> sockets_;
  std::vector<PortQueue> queues_;
};

/// All ports, opened in the order of Options::ports. Inline 2i and 2i + 1 are the subscriber's and the Internet's side
/// of pair i.
class Ports {
 public:
  /// Needs CAP_SYS_ADMIN (adopting the steer program), CAP_NET_ADMIN and CAP_NET_RAW. Nothing is received before
  /// a worker polls. Error: which port could not be opened, and why.
  static Result<std::unique_ptr<Ports>, std::string> open(const Options& options);
  /// Stops and closes every device. Links that were taken down for their pair are given back.
  ~Ports();
  Ports(const Ports&) = delete;
  Ports& operator=(const Ports&) = delete;

  [[nodiscard]] const std::vector<Port>& all() const noexcept { return ports_; }
  /// Buffers of one worker: what it receives into and answers with.
  [[nodiscard]] rte_mempool* pool(unsigned worker) const noexcept { return pools_[worker]; }
  /// Where answers to copies leave; null but in mirror mode.
  [[nodiscard]] const Port* injection() const noexcept;
  /// Passes loss of link from either side of each inline pair to the other. To be called some times a second.
  void propagate_link_loss() noexcept;

 private:
  Ports() = default;
  std::vector<rte_mempool*> pools_;
  std::vector<Port> ports_;
  std::vector<bool> held_down_;  ///< by us, because the other side has no link
};

}  // namespace sluice
