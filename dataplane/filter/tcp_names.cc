#include "dataplane/filter/tcp_names.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice {
namespace {

/// How far behind the start of a stream a segment may lie and still be kept as a part of its first message.
constexpr std::uint32_t kReorderWindow = 16 << 10;

bool waits(const YoungFlows::Flow* young) noexcept {
  return young != nullptr && (young->state == YoungFlows::State::Syn || young->state == YoungFlows::State::SynAck);
}

/// A handshake record of SSL 3 or TLS whose first message is a ClientHello, as far as the bytes go.
bool begins_hello(Bytes b) noexcept {
  return b[0] == 22 && (b.size() < 2 || b[1] == 3) && (b.size() < 6 || b[5] == 1);
}

/// In the middle of a stream only these make bytes without a whole request line look like a request: text that is
/// uploaded begins with any word.
bool begins_known_method(Bytes b) noexcept {
  constexpr std::array<std::string_view, 9> kMethods{"GET ",     "POST ",    "HEAD ",  "PUT ",  "DELETE ",
                                                     "OPTIONS ", "CONNECT ", "PATCH ", "TRACE "};
  const std::string_view text(reinterpret_cast<const char*>(b.data()), b.size());
  return std::any_of(kMethods.begin(), kMethods.end(), [&](std::string_view m) { return text.starts_with(m); });
}

bool is_upper(std::uint8_t c) noexcept {
  return c >= 'A' && c <= 'Z';
}

std::uint32_t name_hash(const WireName& name, Method method) noexcept {
  std::uint64_t h = 0xcbf29ce484222325U ^ static_cast<unsigned>(method);  // FNV-1a: only to tell two names apart
  for (const char c : name.text()) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  return static_cast<std::uint32_t>(h ^ h >> 32);
}

bool goes_on(Cause cause) noexcept {
  return cause == Cause::TlsIncomplete || cause == Cause::HttpIncomplete;
}

}  // namespace

Cause TcpNames::start(const FlowKey& key, std::uint64_t hash, const PacketView& view, std::uint32_t now_s) noexcept {
  if (!half_.empty()) {
    const std::uint32_t old = half_.find(key, hash, now_s);
    if (old != HalfRead::kNone) half_.close(old);
  }
  YoungFlows::Flow* young = young_.find(hash, now_s);
  if (waits(young) && young->position == view.seq) return Cause::None;  // the SYN again
  young = young_.insert(hash, now_s, YoungFlows::State::Syn);
  if (young == nullptr) return Cause::YoungTableFull;
  young->position = view.seq;
  return Cause::None;
}

void TcpNames::answer(std::uint64_t hash, const PacketView& view, std::uint32_t now_s) noexcept {
  YoungFlows::Flow* young = young_.find(hash, now_s);
  if (!waits(young) || view.ack != young->position + 1) return;
  young->state = YoungFlows::State::SynAck;
  young->detail = view.seq;
}

TcpNames::Read TcpNames::read(const FlowKey& key, std::uint64_t hash, const PacketView& view,
                              std::uint32_t now_s) noexcept {
  const bool syn = (view.tcp_flags & kSyn) != 0;
  const Place at{key, hash, view.seq + (syn ? 1U : 0U), view.payload_bytes(), now_s};
  YoungFlows::Flow* young = young_.find(hash, now_s);
  if (!half_.empty()) {
    const std::uint32_t handle = half_.find(key, hash, now_s);
    if (handle != HalfRead::kNone) {
      // A name whole in this segment counts even where other bytes were kept for its place.
      const Read alone = read_stream(at.payload, false);
      if (!alone.found) return go_on(at, handle, young);
      half_.close(handle);
      return whole(at, alone, at.seq);
    }
  }
  const bool waiting = waits(young);
  const bool first = waiting && at.seq == young->position + 1;
  const bool handshake = first && young->state == YoungFlows::State::SynAck && view.ack == young->detail + 1 && !syn;

  Read read = read_stream(at.payload, first);
  read.first = first;
  read.handshake_seen = handshake;
  if (goes_on(read.cause)) return keep(at, at.seq, read.cause);
  if (read.found) return whole(at, read, at.seq);
  if (first) {
    young->state = YoungFlows::State::Free;  // the stream has begun, and not with a name
  } else if (waiting && at.seq - (young->position + 1) < kReorderWindow) {
    return keep(at, young->position + 1, Cause::TlsIncomplete);  // a tail that came before its head
  }
  return read;
}

/// The name in the bytes of a stream that may begin a message; at_start: they are known to begin the stream.
TcpNames::Read TcpNames::read_stream(Bytes stream, bool at_start) noexcept {
  Read read;
  if (begins_hello(stream) && (at_start || stream.size() >= 6)) {
    read.cause = read_client_hello(stream, hello_);
    read.method = Method::Sni;
    read.name = &hello_.name;
  } else if (at_start || is_upper(stream[0])) {
    read.cause = read_request(stream, request_);
    read.method = Method::Http;
    read.name = &request_.host;
    if (read.cause == Cause::HttpIncomplete && !at_start && !begins_known_method(stream)) {
      read.cause = Cause::HttpNotRequest;
    }
    if (read.cause == Cause::HttpNotRequest) {
      read.cause = at_start ? Cause::TlsNotHello : Cause::None;
      return read;
    }
  } else {
    return read;
  }
  read.found = read.cause == Cause::None;
  return read;
}

/// A name was read whose message begins at `position`: remembers it, to know it when it is sent again.
TcpNames::Read TcpNames::whole(const Place& at, Read read, std::uint32_t position) noexcept {
  const std::uint32_t name = name_hash(*read.name, read.method);
  YoungFlows::Flow* young = young_.find(at.hash, at.now_s);
  read.repeated = young != nullptr && young->state == YoungFlows::State::Read && young->position == position &&
                  young->detail == name;
  if (read.repeated) return read;
  young = young_.insert(at.hash, at.now_s, YoungFlows::State::Read);
  if (young != nullptr) {
    young->position = position;
    young->detail = name;
  }
  return read;
}

/// Begins to keep a stream from `base` on. `cause`: what is to be said of the segment meanwhile.
TcpNames::Read TcpNames::keep(const Place& at, std::uint32_t base, Cause cause) noexcept {
  Read read;
  read.cause = cause;
  const std::uint32_t handle = half_.open(at.key, at.hash, base, at.now_s);
  if (handle == HalfRead::kNone) {
    read.cause = Cause::HalfTableFull;
  } else if (const HalfRead::Kept kept = half_.add(handle, at.seq, at.payload, at.now_s);
             kept != HalfRead::Kept::Stored) {
    half_.close(handle);
    read.cause = kept == HalfRead::Kept::TooLong ? Cause::TlsTooLong : Cause::HalfTableFull;
  }
  return read;
}

/// A segment of a stream of which some bytes are kept.
TcpNames::Read TcpNames::go_on(const Place& at, std::uint32_t handle, YoungFlows::Flow* young) noexcept {
  Read read;
  const HalfRead::Kept kept = half_.add(handle, at.seq, at.payload, at.now_s);
  const std::uint32_t base = half_.base(handle);
  const bool at_start = waits(young) && base == young->position + 1;
  const Bytes head = half_.head(handle);
  read.cause = Cause::TlsIncomplete;
  if (!head.empty()) read = read_stream(head, true);
  read.first = at_start;
  if (goes_on(read.cause) && kept == HalfRead::Kept::Stored) return read;
  half_.close(handle);
  if (read.found) return whole(at, read, base);
  if (at_start) young->state = YoungFlows::State::Free;
  if (kept == HalfRead::Kept::TooLong) read.cause = Cause::TlsTooLong;
  if (kept == HalfRead::Kept::NoRoom) read.cause = Cause::HalfTableFull;
  return read;
}

}  // namespace sluice
