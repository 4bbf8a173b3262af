#include "dataplane/reply/tcp_reset.h"

#include <array>
#include <cstring>

#include "dataplane/base/cursor.h"
#include "dataplane/reply/envelope.h"

namespace sluice {
namespace {

constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kTimestamps = 12;            // two NOPs and the option of 10 bytes (RFC 7323 Appendix A)
constexpr std::uint32_t kTimestampAhead = 10'000;  // 10 s of a clock that ticks in ms, as most do
constexpr std::uint8_t kOptionEnd = 0, kOptionNop = 1, kOptionTimestamps = 8;
constexpr std::array<std::uint8_t, 7> kUnrecognizedName{21, 3, 3, 0, 2, 2, 112};

/// Sequence number after the trigger: SYN and FIN count as one each (RFC 9293 3.4).
std::uint32_t end_of(const PacketView& trigger) noexcept {
  std::uint32_t end = trigger.seq + trigger.payload_len;
  if ((trigger.tcp_flags & kSyn) != 0) ++end;
  if ((trigger.tcp_flags & kFin) != 0) ++end;
  return end;
}

void write_header(std::uint8_t* tcp, std::uint32_t seq, std::uint32_t ack, std::size_t bytes, std::uint8_t flags,
                  std::uint16_t window) noexcept {
  store_be32(tcp + 4, seq);
  store_be32(tcp + 8, ack);
  tcp[12] = static_cast<std::uint8_t>(bytes / 4 << 4);
  tcp[13] = flags;
  store_be16(tcp + 14, window);
  store_be16(tcp + 18, 0);
}

std::size_t build_reset(const PacketView& trigger, Way way, std::uint32_t seq, std::uint32_t ack, std::uint8_t flags,
                        const Paths& paths, MutableBytes out) noexcept {
  Envelope envelope(trigger, way, paths, out);
  if (!envelope.ok() || envelope.room() < kTcpHeader) return 0;
  write_header(envelope.l4(), seq, ack, kTcpHeader, flags, 0);
  return envelope.finish_tcp(kTcpHeader);
}

struct Timestamps {
  bool present = false;
  std::uint32_t value = 0, echo = 0;
};

Timestamps read_timestamps(const PacketView& trigger) noexcept {
  Cursor options({trigger.data + trigger.l4 + kTcpHeader, std::size_t{trigger.payload} - trigger.l4 - kTcpHeader});
  while (!options.empty()) {
    const std::uint8_t kind = options.u8();
    if (kind == kOptionEnd) break;
    if (kind == kOptionNop) continue;
    const std::uint8_t length = options.u8();
    if (length < 2) break;
    Cursor body = options.sub(length - 2U);
    if (kind != kOptionTimestamps || length != 10) continue;
    Timestamps found;
    found.value = body.be32();
    found.echo = body.be32();
    found.present = body.ok();
    return found;
  }
  return {};
}

}  // namespace

std::size_t build_reset_to_client(const PacketView& trigger, const Paths& paths, MutableBytes out) noexcept {
  const std::uint32_t seq = (trigger.tcp_flags & kAck) != 0 ? trigger.ack : 0;
  return build_reset(trigger, Way::Back, seq, end_of(trigger), kRst | kAck, paths, out);
}

std::size_t build_reset_to_server(const PacketView& trigger, const Paths& paths, MutableBytes out) noexcept {
  if ((trigger.tcp_flags & kSyn) != 0 && !paths.injection) return 0;
  const std::uint32_t seq = paths.injection ? end_of(trigger) : trigger.seq;
  if ((trigger.tcp_flags & kAck) == 0) return build_reset(trigger, Way::Onward, seq, 0, kRst, paths, out);
  return build_reset(trigger, Way::Onward, seq, trigger.ack, kRst | kAck, paths, out);
}

std::size_t build_last_segment(const PacketView& trigger, Bytes payload, const Paths& paths,
                               MutableBytes out) noexcept {
  Envelope envelope(trigger, Way::Back, paths, out);
  const Timestamps timestamps = read_timestamps(trigger);
  const std::size_t header = kTcpHeader + (timestamps.present ? kTimestamps : 0);
  if (!envelope.ok() || (trigger.tcp_flags & kAck) == 0 || envelope.room() < header + payload.size()) return 0;
  std::uint8_t* tcp = envelope.l4();
  write_header(tcp, trigger.ack, end_of(trigger), header, kPsh | kFin | kAck, trigger.window);
  if (timestamps.present) {
    store_be32(tcp + kTcpHeader, 0x0101080a);
    // Not older than what the client saw last (RFC 7323 5.3): where the server got the trigger, its acknowledgement.
    store_be32(tcp + kTcpHeader + 4, timestamps.echo + (paths.injection ? kTimestampAhead : 0));
    store_be32(tcp + kTcpHeader + 8, timestamps.value);
  }
  if (!payload.empty()) std::memcpy(tcp + header, payload.data(), payload.size());
  return envelope.finish_tcp(header + payload.size());
}

std::size_t build_tls_alert(const PacketView& trigger, const Paths& paths, MutableBytes out) noexcept {
  return build_last_segment(trigger, kUnrecognizedName, paths, out);
}

}  // namespace sluice
