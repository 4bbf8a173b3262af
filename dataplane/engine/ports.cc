#include "dataplane/engine/ports.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "bpf/abi.h"

namespace sluice {
namespace {

// A buffer of a pool is one page: mempool header (64) + rte_mbuf (128) + headroom (128) + frame. AF_XDP takes no larger
// ones, keeps 256 bytes (XDP_PACKET_HEADROOM) of each, and in zero-copy mode refuses those that cross into a page that
// is not the next one in physical memory too: so they start at page boundaries.
constexpr unsigned kBufferBytes = 4096;
constexpr unsigned kDataRoomBytes = kBufferBytes - RTE_CACHE_LINE_SIZE - sizeof(rte_mbuf);
constexpr unsigned kXdpHeadroomBytes = 256;
constexpr unsigned kMaxXdpFrameBytes = kDataRoomBytes - RTE_PKTMBUF_HEADROOM - kXdpHeadroomBytes;
constexpr unsigned kMaxPacketFrameBytes = kDataRoomBytes - RTE_PKTMBUF_HEADROOM;
constexpr unsigned kEthernetBytes = 14 + 2 * 4;  // header and two tags

constexpr unsigned kJumboMtu = 9000;
constexpr std::uint16_t kDescriptors = 2048;  // libxdp's ring size: net_af_xdp fills 2048 whatever is asked for
constexpr unsigned kPoolCache = 256;

/// libxdp remarks on every socket that it did not attach the program by itself: which is as it should be here.
int print_but_adoption(libxdp_print_level level, const char* format, va_list arguments) {
  if (level == LIBXDP_DEBUG || std::strstr(format, "program refcnt") != nullptr) return 0;
  return std::vfprintf(stderr, format, arguments);
}

/// Sockets of this process with that address family, by descriptor.
std::vector<int> sockets_of(int family) {
  std::vector<int> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = static_cast<int>(std::strtol(entry.path().filename().c_str(), nullptr, 10));
    int domain = 0;
    socklen_t length = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == family) found.push_back(fd);
  }
  std::ranges::sort(found);
  return found;
}

/// The sockets that a driver opened meanwhile: drivers do not tell, and an idle worker wants to wait on them.
class NewSockets {
 public:
  explicit NewSockets(int family) : family_(family), before_(sockets_of(family)) {}
  [[nodiscard]] std::vector<int> list() const {
    std::vector<int> fresh;
    std::ranges::set_difference(sockets_of(family_), before_, std::back_inserter(fresh));
    return fresh;
  }

 private:
  int family_;
  std::vector<int> before_;
};

/// A pool of page-sized, page-aligned buffers; rte_pktmbuf_pool_create() would place them anywhere. Null: no memory.
rte_mempool* make_pool(const std::string& name, unsigned buffers) {
  const unsigned element = sizeof(rte_mbuf) + kDataRoomBytes;
  // NO_SPREAD: no padding that would spread objects over memory channels, and over page boundaries.
  rte_mempool* const pool =
      rte_mempool_create_empty(name.c_str(), buffers, element, kPoolCache, sizeof(rte_pktmbuf_pool_private),
                               SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_SPREAD);
  if (pool == nullptr || rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr) != 0) return nullptr;
  rte_pktmbuf_pool_private room{};
  room.mbuf_data_room_size = static_cast<std::uint16_t>(kDataRoomBytes);
  rte_pktmbuf_pool_init(pool, &room);
  const std::size_t bytes = std::size_t{buffers} * kBufferBytes;
  const rte_memzone* const zone =
      rte_memzone_reserve_aligned((name + "_pages").c_str(), bytes, SOCKET_ID_ANY, 0, kBufferBytes);
  if (zone == nullptr || rte_mempool_populate_virt(pool, static_cast<char*>(zone->addr), bytes, kBufferBytes, nullptr,
                                                   nullptr) != static_cast<int>(buffers))
    return nullptr;
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}

/// Interface index in a pin of sluice-wire; 0: no port, or no pin.
unsigned wire_peer(const std::filesystem::path& pin) {
  const int map = bpf_obj_get(pin.c_str());
  if (map < 0) return 0;
  const std::uint32_t first = 0;
  std::uint32_t peer = 0;
  if (bpf_map_lookup_elem(map, &first, &peer) != 0) peer = 0;
  close(map);
  return peer;
}

std::string failed(const PortSpec& spec, const std::string& what) {
  return spec.name + ": " + what;
}

std::string failed(const PortSpec& spec, const char* what, int error) {
  return failed(spec, std::string(what) + ": " + rte_strerror(error < 0 ? -error : error));
}

}  // namespace

/// Opens one port of whatever kind.
class PortOpener {
 public:
  PortOpener(const Options& options, const std::vector<rte_mempool*>& pools) : options_(options), pools_(pools) {}

  Result<Port, std::string> open(const PortSpec& spec, unsigned index) {
    Port port;
    port.spec_ = spec;
    peer_ = spec.role == PortRole::Inline ? &options_.ports[index ^ 1] : nullptr;
    auto opened = [&]() -> Result<void, std::string> {
      switch (spec.kind) {
        case PortKind::Xdp: return open_xdp(port, index);
        case PortKind::Packet: return open_packet(port);
        case PortKind::Pci: return open_pci(port);
        default: return open_pcap(port, index);
      }
    }();
    if (!opened.has_value()) return std::unexpected(opened.error());
    return port;
  }

 private:
  using Outcome = Result<void, std::string>;

  Outcome open_interface(Port& port, unsigned most_frame_bytes) {
    auto interface = Interface::find(port.spec_.device);
    if (!interface.has_value()) return std::unexpected(failed(port.spec_, interface.error()));
    if (interface->mtu() + kEthernetBytes > most_frame_bytes) {
      return std::unexpected(failed(port.spec_, "MTU " + std::to_string(interface->mtu()) + " is over " +
                                                    std::to_string(most_frame_bytes - kEthernetBytes) +
                                                    ", the most that this kind of port carries"));
    }
    if (!interface->keep_frames_as_they_come()) {
      return std::unexpected(
          failed(port.spec_, "its driver keeps GRO, LRO or rx-vlan-offload on: frames would not leave as they came"));
    }
    if (!interface->set_up(true)) return std::unexpected(failed(port.spec_, "cannot be set up"));
    port.interface_ = std::move(*interface);
    return {};
  }

  Outcome open_xdp(Port& port, unsigned index) {
    if (auto ok = open_interface(port, kMaxXdpFrameBytes); !ok.has_value()) return ok;
    const std::string& name = port.spec_.device;
    if (port.interface_->channels() != options_.workers) {
      return std::unexpected(
          failed(port.spec_, std::to_string(port.interface_->channels()) + " receive channels, but " +
                                 std::to_string(options_.workers) +
                                 " workers: an unserved channel would pass uninspected (ethtool -L)"));
    }
    if (auto ok = check_peer(port.spec_); !ok.has_value()) return ok;
    auto heartbeat = Heartbeat::open(options_.wire_dir / name / SLUICE_PIN_HEARTBEAT);
    if (!heartbeat.has_value()) return std::unexpected(failed(port.spec_, heartbeat.error()));
    port.heartbeat_ = std::move(*heartbeat);

    for (unsigned worker = 0; worker < options_.workers; ++worker) {
      const NewSockets sockets(AF_XDP);
      const std::string device = "net_af_xdp" + std::to_string(index) + "_" + std::to_string(worker);
      if (auto ok = plug(port, device, "iface=" + name + ",start_queue=" + std::to_string(worker) + ",queue_count=1");
          !ok.has_value())
        return ok;
      if (auto ok = configure(port, port.devices_.back(), worker, 1); !ok.has_value()) return ok;
      port.queues_.back().heartbeat = port.heartbeat_.get();
      port.queues_.back().channel = worker;
      if (const auto list = sockets.list(); list.size() == 1) port.queues_.back().socket = list.front();
    }
    return {};
  }

  /// In the kernel, where no worker takes them, frames must go where they go here: to the pair's other port, and copies
  /// nowhere.
  Outcome check_peer(const PortSpec& spec) {
    const unsigned peer = wire_peer(options_.wire_dir / spec.device / SLUICE_PIN_PEER);
    if (spec.role == PortRole::Mirror) {
      if (peer == 0) return {};
      return std::unexpected(
          failed(spec, "sluice-wire would forward copies to another port: attach it with --mirror " + spec.device));
    }
    if (peer_->kind != PortKind::Xdp || peer == 0 || peer == if_nametoindex(peer_->device.c_str())) return {};
    return std::unexpected(failed(spec, "sluice-wire pairs it with another port than " + peer_->device));
  }

  Outcome open_packet(Port& port) {
    if (auto ok = open_interface(port, kMaxPacketFrameBytes); !ok.has_value()) return ok;
    std::error_code error;
    if (std::filesystem::exists(options_.wire_dir / port.spec_.device / SLUICE_PIN_LINK, error)) {
      return std::unexpected(
          failed(port.spec_, "sluice-wire is attached there: its program forwards before AF_PACKET sees a frame"));
    }
    for (unsigned worker = 0; worker < options_.workers; ++worker) {
      auto socket = PacketSocket::open(port.spec_.device, port.interface_->mtu() + kEthernetBytes, options_.workers,
                                       pools_[worker]);
      if (!socket.has_value()) return std::unexpected(failed(port.spec_, socket.error()));
      port.queues_.push_back({.packet = socket->get(), .socket = (*socket)->descriptor()});
      port.sockets_.push_back(std::move(*socket));
    }
    return {};
  }

  Outcome open_pci(Port& port) {
    std::uint16_t device = 0;
    if (const int error = rte_eth_dev_get_port_by_name(port.spec_.device.c_str(), &device); error != 0) {
      return std::unexpected(failed(port.spec_, "not found, or not bound to a driver of DPDK", error));
    }
    port.devices_.push_back(device);
    return configure(port, device, 0, options_.workers);
  }

  Outcome open_pcap(Port& port, unsigned index) {
    std::string arguments;
    if (const auto& capture = port.spec_.device; !capture.empty()) {
      if (access(capture.c_str(), R_OK) != 0) return std::unexpected(failed(port.spec_, "cannot be read", errno));
      arguments = "rx_pcap=" + capture;
    }
    if (!port.spec_.output.empty()) arguments += (arguments.empty() ? "tx_pcap=" : ",tx_pcap=") + port.spec_.output;
    if (auto ok = plug(port, "net_pcap" + std::to_string(index), arguments); !ok.has_value()) return ok;
    port.takes_segments_ = true;
    return configure(port, port.devices_.back(), 0, 1);
  }

  Outcome plug(Port& port, const std::string& device, const std::string& arguments) {
    if (const int error = rte_eal_hotplug_add("vdev", device.c_str(), arguments.c_str()); error != 0) {
      // -1 is not EPERM here: the driver has said why in its own words.
      return std::unexpected(error == -1 ? failed(port.spec_, "cannot be opened, for the reason above")
                                         : failed(port.spec_, "cannot be opened", error));
    }
    std::uint16_t id = 0;
    if (const int error = rte_eth_dev_get_port_by_name(device.c_str(), &id); error != 0)
      return std::unexpected(failed(port.spec_, "no device", error));
    port.devices_.push_back(id);
    return {};
  }

  /// Sets the device up with `count` queue pairs, the first of which is `worker`'s, and starts it.
  Outcome configure(Port& port, std::uint16_t device, unsigned worker, unsigned count) {
    const auto queues = static_cast<std::uint16_t>(count);
    rte_eth_dev_info info{};
    if (const int error = rte_eth_dev_info_get(device, &info); error != 0)
      return std::unexpected(failed(port.spec_, "no information", error));
    if (queues > info.max_rx_queues || queues > info.max_tx_queues) {
      return std::unexpected(failed(port.spec_, "has fewer queues than there are workers"));
    }
    rte_eth_conf conf = port.spec_.kind == PortKind::Pci ? hardware(port, info, queues) : rte_eth_conf{};
    if (port.spec_.kind == PortKind::Pci) {
      if (auto ok = set_mtu(port, info, conf); !ok.has_value()) return ok;
    }
    if (const int error = rte_eth_dev_configure(device, queues, queues, &conf); error != 0)
      return std::unexpected(failed(port.spec_, "cannot be configured", error));
    std::uint16_t rx = kDescriptors, tx = kDescriptors;
    (void)rte_eth_dev_adjust_nb_rx_tx_desc(device, &rx, &tx);
    const auto node = static_cast<unsigned>(rte_eth_dev_socket_id(device));
    for (std::uint16_t queue = 0; queue < queues; ++queue) {
      if (const int error = rte_eth_rx_queue_setup(device, queue, rx, node, nullptr, pools_[worker + queue]);
          error != 0) {
        return std::unexpected(failed(port.spec_, "no receive queue", error));
      }
      if (const int error = rte_eth_tx_queue_setup(device, queue, tx, node, nullptr); error != 0) {
        return std::unexpected(failed(port.spec_, "no transmit queue", error));
      }
      port.queues_.push_back({.device = device, .queue = queue});
    }
    if (const int error = rte_eth_dev_start(device); error != 0)
      return std::unexpected(failed(port.spec_, "does not start", error));
    if (port.spec_.kind == PortKind::Pcap) return {};
    if (const int error = rte_eth_promiscuous_enable(device); error != 0)
      return std::unexpected(failed(port.spec_, "no promiscuous mode", error));
    return {};
  }

  /// What a network card is asked for: flows spread over the queues, and jumbo frames where it takes and gives them in
  /// several buffers.
  static rte_eth_conf hardware(Port& port, const rte_eth_dev_info& info, std::uint16_t queues) {
    rte_eth_conf conf{};
    if (queues > 1) {
      conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
      conf.rx_adv_conf.rss_conf.rss_hf =
          (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP) & info.flow_type_rss_offloads;
    }
    port.takes_segments_ = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0 &&
                           (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
    if (port.takes_segments_) {
      conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
      conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    }
    return conf;
  }

  /// Not more than comes in one buffer, where the card cannot use several, nor than the other port of the pair carries.
  Outcome set_mtu(const Port& port, const rte_eth_dev_info& info, rte_eth_conf& conf) {
    unsigned most = info.max_mtu;
    if (!port.takes_segments_) most = std::min(most, kMaxPacketFrameBytes - kEthernetBytes - RTE_ETHER_CRC_LEN);
    if (peer_ != nullptr && peer_->kind == PortKind::Xdp) most = std::min(most, kMaxXdpFrameBytes - kEthernetBytes);
    if (peer_ != nullptr && peer_->kind == PortKind::Packet)
      most = std::min(most, kMaxPacketFrameBytes - kEthernetBytes);
    if (options_.pci_mtu > most) {
      return std::unexpected(failed(port.spec_, "--pci-mtu " + std::to_string(options_.pci_mtu) + " is over " +
                                                    std::to_string(most) + ", the most that it and its peer carry"));
    }
    const unsigned usual = port.takes_segments_ ? kJumboMtu : RTE_ETHER_MTU;
    conf.rxmode.mtu = options_.pci_mtu != 0 ? options_.pci_mtu : std::min(most, usual);
    return {};
  }

  const Options& options_;
  const std::vector<rte_mempool*>& pools_;
  const PortSpec* peer_ = nullptr;  ///< of the port that is opened; null: not of a pair
};

std::uint16_t receive(const PortQueue& from, rte_mbuf** frames, std::uint16_t most) noexcept {
  return from.packet != nullptr ? from.packet->receive(frames, most)
                                : rte_eth_rx_burst(from.device, from.queue, frames, most);
}

std::uint16_t transmit(const PortQueue& to, rte_mbuf** frames, std::uint16_t count) noexcept {
  return to.packet != nullptr ? to.packet->send(frames, count) : rte_eth_tx_burst(to.device, to.queue, frames, count);
}

bool Port::has_link() const noexcept {
  if (interface_) return interface_->has_link();
  rte_eth_link link{};
  return rte_eth_link_get_nowait(devices_.front(), &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
}

void Port::set_link(bool up) const noexcept {
  if (interface_) {
    (void)interface_->set_up(up);
  } else if (spec_.kind == PortKind::Pci) {
    (void)(up ? rte_eth_dev_set_link_up(devices_.front()) : rte_eth_dev_set_link_down(devices_.front()));
  }
}

PortCounts Port::counts() const noexcept {
  PortCounts sum;
  for (const std::uint16_t device : devices_) {
    rte_eth_stats stats{};
    if (rte_eth_stats_get(device, &stats) != 0) continue;
    sum.imissed += stats.imissed;
    sum.rx_nombuf += stats.rx_nombuf;
  }
  for (const auto& socket : sockets_) {
    sum.imissed += socket->missed();
    sum.rx_nombuf += socket->no_buffer();
  }
  return sum;
}

MacAddress Port::mac() const noexcept {
  if (interface_) return interface_->mac();
  rte_ether_addr address{};
  (void)rte_eth_macaddr_get(devices_.front(), &address);
  MacAddress mac;
  std::ranges::copy(address.addr_bytes, mac.begin());
  return mac;
}

Result<std::unique_ptr<Ports>, std::string> Ports::open(const Options& options) {
  std::unique_ptr<Ports> ports(new Ports);
  libxdp_set_print(print_but_adoption);
  // A port holds at most its receive ring, its fill ring and its transmit ring of a worker's buffers.
  const auto buffers = static_cast<unsigned>(options.ports.size()) * 2 * kDescriptors + 8 * kPoolCache;
  for (unsigned worker = 0; worker < options.workers; ++worker) {
    rte_mempool* const pool = make_pool("frames" + std::to_string(worker), buffers);
    if (pool == nullptr)
      return std::unexpected("no memory for " + std::to_string(buffers) + " frames a worker: raise --memory-mb");
    ports->pools_.push_back(pool);
  }
  PortOpener opener(options, ports->pools_);
  for (const PortSpec& spec : options.ports) {
    auto port = opener.open(spec, static_cast<unsigned>(ports->ports_.size()));
    if (!port.has_value()) return std::unexpected(port.error());
    ports->ports_.push_back(std::move(*port));
  }
  ports->held_down_.assign(ports->ports_.size(), false);
  return ports;
}

const Port* Ports::injection() const noexcept {
  return ports_.back().spec_.role == PortRole::Inject ? &ports_.back() : nullptr;
}

void Ports::propagate_link_loss() noexcept {
  if (ports_.front().spec_.role != PortRole::Inline) return;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const std::size_t peer = i ^ 1;
    if (held_down_[i] || ports_[i].spec_.kind == PortKind::Pcap) continue;  // down because of its peer: says nothing
    const bool lost = !ports_[i].has_link();
    if (lost == held_down_[peer]) continue;
    ports_[peer].set_link(!lost);
    held_down_[peer] = lost;
  }
}

Ports::~Ports() {
  // net_af_xdp tries to detach a program that is not its own on close, and complains that the kernel does not let it.
  (void)rte_log_set_level_pattern("pmd.net.af_xdp", RTE_LOG_EMERG);
  libbpf_set_print(nullptr);
  for (std::size_t i = 0; i < held_down_.size(); ++i) {
    if (held_down_[i]) ports_[i].set_link(true);
  }
  for (const Port& port : ports_) {
    for (const std::uint16_t device : port.devices_) {
      (void)rte_eth_dev_stop(device);
      (void)rte_eth_dev_close(device);
    }
  }
}

}  // namespace sluice
