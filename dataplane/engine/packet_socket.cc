#include "dataplane/engine/packet_socket.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <rte_mbuf.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "dataplane/base/bytes.h"

namespace sluice {
namespace {

constexpr unsigned kBlockBytes = 1 << 16;
constexpr unsigned kSlots = 2048;
// TPACKET_V2 puts a frame TPACKET_ALIGN(52 + 16) - 14 bytes into its slot (packet(7); tpacket_rcv in the kernel).
constexpr unsigned kSlotHeaderBytes = 66;
constexpr unsigned kMacBytes = 12, kTagBytes = 4;
constexpr std::uint16_t kMostSends = 64;

template <class Value>
bool set(int fd, int option, const Value& value) noexcept {
  return setsockopt(fd, SOL_PACKET, option, &value, sizeof value) == 0;
}

std::atomic_ref<std::uint32_t> status_of(std::uint8_t* slot) noexcept {
  return std::atomic_ref<std::uint32_t>(reinterpret_cast<tpacket2_hdr*>(slot)->tp_status);
}

}  // namespace

Result<std::unique_ptr<PacketSocket>, std::string> PacketSocket::open(const std::string& interface,
                                                                      unsigned most_frame_bytes, unsigned workers,
                                                                      rte_mempool* pool) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);  // protocol 0: silent until it is bound
  if (fd < 0) return std::unexpected(std::string("AF_PACKET: ") + std::strerror(errno));
  std::unique_ptr<PacketSocket> opened(new PacketSocket(fd, pool));
  if (auto ok = opened->set_up(interface, most_frame_bytes, workers); !ok.has_value())
    return std::unexpected(ok.error());
  return opened;
}

Result<void, std::string> PacketSocket::set_up(const std::string& interface, unsigned most_frame_bytes,
                                               unsigned workers) {
  const auto failed = [](const char* what) { return std::unexpected(std::string(what) + ": " + std::strerror(errno)); };
  const int version = TPACKET_V2;
  if (!set(fd_, PACKET_VERSION, version)) return failed("PACKET_VERSION");
  const int yes = 1;
  if (!set(fd_, PACKET_IGNORE_OUTGOING, yes))
    return failed("PACKET_IGNORE_OUTGOING");  // what we and the host send is no input
  if (!set(fd_, PACKET_QDISC_BYPASS, yes)) return failed("PACKET_QDISC_BYPASS");

  slot_bytes_ = 2048;
  while (slot_bytes_ < most_frame_bytes + kSlotHeaderBytes) slot_bytes_ *= 2;
  slots_ = kSlots;
  ring_bytes_ = std::size_t{slot_bytes_} * slots_;
  tpacket_req ring{};
  ring.tp_frame_size = slot_bytes_;
  ring.tp_frame_nr = slots_;
  ring.tp_block_size = kBlockBytes;
  ring.tp_block_nr = static_cast<unsigned>(ring_bytes_ / kBlockBytes);
  if (!set(fd_, PACKET_RX_RING, ring)) return failed("PACKET_RX_RING");
  void* const memory = mmap(nullptr, ring_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, 0);
  if (memory == MAP_FAILED) return failed("mmap");
  ring_ = static_cast<std::uint8_t*>(memory);

  const auto index = static_cast<int>(if_nametoindex(interface.c_str()));
  const packet_mreq promiscuous{.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC, .mr_alen = 0, .mr_address = {}};
  if (!set(fd_, PACKET_ADD_MEMBERSHIP, promiscuous)) return failed("PACKET_MR_PROMISC");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = index;
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed("bind");
  if (workers > 1) {
    const int group = (index & 0xffff) | (PACKET_FANOUT_HASH << 16);
    if (!set(fd_, PACKET_FANOUT, group)) return failed("PACKET_FANOUT");
  }
  return {};
}

PacketSocket::~PacketSocket() {
  if (ring_ != nullptr) munmap(ring_, ring_bytes_);
  close(fd_);
}

/// A frame as it was on the wire: the kernel took the outermost tag out of it. Null: it is lost, and counted.
rte_mbuf* PacketSocket::copy_frame(const std::uint8_t* slot) noexcept {
  const auto* const header = reinterpret_cast<const tpacket2_hdr*>(slot);
  const bool tagged = (header->tp_status & TP_STATUS_VLAN_VALID) != 0;
  const unsigned tag = tagged ? kTagBytes : 0;
  if (header->tp_len > header->tp_snaplen || header->tp_snaplen < kMacBytes) {
    too_long_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  rte_mbuf* const frame = rte_pktmbuf_alloc(pool_);
  char* const room =
      frame != nullptr ? rte_pktmbuf_append(frame, static_cast<std::uint16_t>(header->tp_snaplen + tag)) : nullptr;
  if (room == nullptr) {
    rte_pktmbuf_free(frame);
    no_buffer_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  auto* const out = reinterpret_cast<std::uint8_t*>(room);
  const std::uint8_t* const data = slot + header->tp_mac;
  std::memcpy(out, data, kMacBytes);
  if (tagged) {
    const bool has_type = (header->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
    store_be16(out + kMacBytes, has_type ? header->tp_vlan_tpid : static_cast<std::uint16_t>(EtherType::Vlan));
    store_be16(out + kMacBytes + 2, header->tp_vlan_tci);
  }
  std::memcpy(out + kMacBytes + tag, data + kMacBytes, header->tp_snaplen - kMacBytes);
  return frame;
}

std::uint16_t PacketSocket::receive(rte_mbuf** frames, std::uint16_t most) noexcept {
  std::uint16_t count = 0;
  while (count < most) {
    std::uint8_t* const slot = ring_ + std::size_t{next_} * slot_bytes_;
    const auto status = status_of(slot);
    if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) break;
    if (rte_mbuf* const frame = copy_frame(slot); frame != nullptr) frames[count++] = frame;
    status.store(TP_STATUS_KERNEL, std::memory_order_release);
    next_ = next_ + 1 < slots_ ? next_ + 1 : 0;
  }
  return count;
}

std::uint16_t PacketSocket::send(rte_mbuf** frames, std::uint16_t count) noexcept {
  std::array<iovec, kMostSends> parts;
  std::array<mmsghdr, kMostSends> messages;
  const std::uint16_t most = std::min(count, kMostSends);
  for (std::uint16_t i = 0; i < most; ++i) {
    parts[i] = {rte_pktmbuf_mtod(frames[i], void*), frames[i]->data_len};
    messages[i] = {};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int sent = most > 0 ? sendmmsg(fd_, messages.data(), most, MSG_DONTWAIT) : 0;
  if (sent <= 0) return 0;
  rte_pktmbuf_free_bulk(frames, static_cast<unsigned>(sent));
  return static_cast<std::uint16_t>(sent);
}

std::uint64_t PacketSocket::missed() noexcept {
  tpacket_stats stats{};  // the kernel counts from zero again after each question
  socklen_t length = sizeof stats;
  if (getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0)
    kernel_drops_.fetch_add(stats.tp_drops, std::memory_order_relaxed);
  return kernel_drops_.load(std::memory_order_relaxed) + too_long_.load(std::memory_order_relaxed);
}

}  // namespace sluice
