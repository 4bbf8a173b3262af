#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>

#include "dataplane/filter/tcp_names.h"
#include "tests/support/allocations.h"

namespace sluice::test {

/// Feeds TcpNames without frames: clients to one server, who send one after the other. Ends the program where reading
/// a segment allocates memory, or where more of it is held than at the start.
class StreamWire {
 public:
  /// `found` is large: to be made once.
  StreamWire(const TcpNames::Limits& limits, FoundNames& found)
      : names_(limits), memory_bytes_(names_.half().memory_bytes()), found_(found) {
    view_.proto = IpProto::Tcp;
    view_.l4 = 20;
    view_.payload = kHeaders;
    resize(0);
  }

  /// Who sends from now on.
  void client(std::uint32_t address, std::uint16_t port, std::uint16_t dst_port = 443) {
    address_ = address;
    view_.src_port = port;
    view_.dst_port = dst_port;
    store_be32(bytes_.get() + 12, address_);
    key_ = flow_key(view_, Sender::Client);
    hash_ = flow_hash(key_, 42);
  }
  void syn() {
    view_.seq = kIsn;
    view_.tcp_flags = kSyn;
    (void)names_.start(key_, hash_, view_, now_s_);
  }
  void syn_ack() {
    PacketView answer = view_;
    answer.seq = 4999;
    answer.ack = kIsn + 1;
    names_.answer(hash_, answer, now_s_);
  }
  /// The names of the bytes that stand `at` bytes behind the stream's first; until the next call.
  FoundNames& data(std::uint32_t at, Bytes payload) {
    resize(payload.size());
    std::memcpy(bytes_.get() + kHeaders, payload.data(), payload.size());
    view_.seq = kIsn + 1 + at;
    view_.ack = 5000;
    view_.tcp_flags = kAck;
    found_.clear();
    const std::uint64_t before = allocations();
    (void)names_.read(key_, hash_, view_, now_s_, 0, found_);
    if (allocations() != before || names_.half().memory_bytes() != memory_bytes_) std::abort();
    return found_;
  }
  void wait_s(std::uint32_t seconds) { now_s_ += seconds; }
  [[nodiscard]] const HalfRead& half() const { return names_.half(); }

 private:
  static constexpr std::uint16_t kHeaders = 40;
  static constexpr std::uint32_t kIsn = 0xfffffe00;  ///< sequence numbers wrap soon

  /// Buffers of exactly the payload's size: a sanitizer sees every over-read.
  void resize(std::size_t payload) {
    if (bytes_ && payload == view_.payload_len) return;
    bytes_.reset(new std::uint8_t[kHeaders + payload]());
    view_.data = bytes_.get();
    view_.len = static_cast<std::uint32_t>(kHeaders + payload);
    view_.payload_len = static_cast<std::uint32_t>(payload);
    store_be32(bytes_.get() + 12, address_);
  }

  TcpNames names_;
  std::size_t memory_bytes_;
  FoundNames& found_;
  std::unique_ptr<std::uint8_t[]> bytes_;
  PacketView view_;
  FlowKey key_;
  std::uint64_t hash_ = 0;
  std::uint32_t address_ = 0;
  std::uint32_t now_s_ = 1;
};

}  // namespace sluice::test
