#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/made_packets.h"
#include "tests/support/pipeline_rig.h"

namespace sluice::test {

/// One client's TCP connection through a pipeline: what it sends, and the names that were read of it.
class ClientStream {
 public:
  ClientStream(PipelineRig& rig, std::uint16_t dst_port, std::uint16_t src_port = 40000, std::uint32_t isn = 999)
      : rig_(rig), isn_(isn) {
    ends_.dst_port = dst_port;
    ends_.src_port = src_port;
  }

  /// SYN, SYN and ACK, ACK.
  ClientStream& shake_hands() {
    rig_.one(tcp_frame(ends_, {.seq = isn_, .ack = 0, .flags = 2, .options = {}, .payload = {}}));
    const Segment answer{.seq = 4999, .ack = isn_ + 1, .flags = 0x12, .options = {}, .payload = {}};
    rig_.one(tcp_frame(ends_.reversed(), answer), Side::Internet);
    rig_.one(tcp_frame(ends_, {.seq = isn_ + 1, .ack = 5000, .flags = 0x10, .options = {}, .payload = {}}));
    return *this;
  }
  /// The frame of the bytes that stand `at` bytes behind the stream's first.
  [[nodiscard]] Buffer frame(std::uint32_t at, Bytes bytes) const {
    Segment s;
    s.seq = isn_ + 1 + at;
    s.payload.assign(bytes.begin(), bytes.end());
    return tcp_frame(ends_, s);
  }
  Verdict send_at(std::uint32_t at, Bytes bytes) {
    const Verdict verdict = rig_.one(frame(at, bytes));
    for (const NameSeen& seen : rig_.pipeline->names()) names_.emplace_back(seen.name.text());
    return verdict;
  }
  /// The next bytes of the stream.
  Verdict send(Bytes bytes) {
    const std::uint32_t at = sent_;
    sent_ += static_cast<std::uint32_t>(bytes.size());
    return send_at(at, bytes);
  }
  Verdict send(std::string_view text) {
    return send(Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] const Endpoints& ends() const noexcept { return ends_; }

 private:
  PipelineRig& rig_;
  Endpoints ends_;
  std::uint32_t isn_;
  std::uint32_t sent_ = 0;
  std::vector<std::string> names_;
};

/// A DNS message with its length before it, as TCP carries it.
inline Buffer dns_over_tcp(const DnsAsk& ask) {
  const Buffer message = dns_message(ask);
  Buffer framed;
  put16(framed, static_cast<unsigned>(message.size()));
  put(framed, message);
  return framed;
}
inline Buffer dns_over_tcp(std::string_view name) {
  DnsAsk ask;
  ask.names = {std::string(name)};
  return dns_over_tcp(ask);
}

inline Buffer joined(std::initializer_list<Buffer> parts) {
  Buffer all;
  for (const Buffer& part : parts) put(all, part);
  return all;
}
inline Buffer text_bytes(std::string_view text) {
  return {text.begin(), text.end()};
}
inline Bytes slice_of(const Buffer& b, std::size_t at, std::size_t n) {
  return Bytes(b).subspan(at, std::min(n, b.size() - at));
}

}  // namespace sluice::test
