#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/base/result.h"

struct rte_mbuf;
struct rte_mempool;

namespace sluice {

/// One AF_PACKET socket with a receive ring, for one worker on one packet: port. Our own, because DPDK's
/// net_af_packet (22.11) does not forward frames as they came: it asks the kernel to put IPv4 fragments together
/// (PACKET_FANOUT_FLAG_DEFRAG), after which they are too long to send, and it puts every outer tag back as 0x8100.
class PacketSocket {
 public:
  /// Opens, binds and makes the interface promiscuous for as long as the socket lives. `most_frame_bytes`: longest
  /// frame that is received whole. `workers` > 1: one of so many sockets that share the interface's flows, a flow
  /// staying on one socket. Needs CAP_NET_RAW and CAP_NET_ADMIN. Error: what could not be done.
  static Result<std::unique_ptr<PacketSocket>, std::string> open(const std::string& interface,
                                                                 unsigned most_frame_bytes, unsigned workers,
                                                                 rte_mempool* pool);
  ~PacketSocket();
  PacketSocket(const PacketSocket&) = delete;
  PacketSocket& operator=(const PacketSocket&) = delete;

  /// As rte_eth_rx_burst and rte_eth_tx_burst. Frames to send are in one segment.
  std::uint16_t receive(rte_mbuf** frames, std::uint16_t most) noexcept;
  std::uint16_t send(rte_mbuf** frames, std::uint16_t count) noexcept;

  [[nodiscard]] int descriptor() const noexcept { return fd_; }
  /// Frames that the kernel had no slot for, or that were longer than a slot. Any thread may ask.
  [[nodiscard]] std::uint64_t missed() noexcept;
  [[nodiscard]] std::uint64_t no_buffer() const noexcept { return no_buffer_.load(std::memory_order_relaxed); }

 private:
  PacketSocket(int fd, rte_mempool* pool) noexcept : fd_(fd), pool_(pool) {}
  Result<void, std::string> set_up(const std::string& interface, unsigned most_frame_bytes, unsigned workers);
  [[nodiscard]] rte_mbuf* copy_frame(const std::uint8_t* slot) noexcept;

  int fd_;
  rte_mempool* pool_;
  std::uint8_t* ring_ = nullptr;
  std::size_t ring_bytes_ = 0;
  unsigned slot_bytes_ = 0, slots_ = 0, next_ = 0;
  std::atomic<std::uint64_t> too_long_{0}, no_buffer_{0}, kernel_drops_{0};
};

}  // namespace sluice
