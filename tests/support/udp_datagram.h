#pragma once

#include <array>
#include <cstring>
#include <memory>

#include "dataplane/base/bytes.h"
#include "dataplane/packet/packet_view.h"

namespace sluice::test {

/// A parsed IPv4 UDP datagram in a buffer of exactly its size, so that a sanitizer sees every over-read.
class UdpDatagram {
 public:
  UdpDatagram(std::array<std::uint8_t, 4> src, std::uint16_t src_port, std::array<std::uint8_t, 4> dst,
              std::uint16_t dst_port, Bytes payload)
      : bytes_(new std::uint8_t[kHeaders + payload.size()]()) {
    std::memcpy(&bytes_[12], src.data(), 4);
    std::memcpy(&bytes_[16], dst.data(), 4);
    if (!payload.empty()) std::memcpy(&bytes_[kHeaders], payload.data(), payload.size());
    view_.data = bytes_.get();
    view_.len = static_cast<std::uint32_t>(kHeaders + payload.size());
    view_.proto = IpProto::Udp;
    view_.l4 = 20;
    view_.payload = kHeaders;
    view_.payload_len = static_cast<std::uint32_t>(payload.size());
    view_.src_port = src_port;
    view_.dst_port = dst_port;
  }
  [[nodiscard]] const PacketView& view() const noexcept { return view_; }

 private:
  static constexpr std::size_t kHeaders = 28;
  std::unique_ptr<std::uint8_t[]> bytes_;
  PacketView view_;
};

}  // namespace sluice::test
