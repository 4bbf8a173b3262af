#include "dataplane/filter/tcp_names.h"

#include <algorithm>

namespace sluice {
namespace {

using Flow = YoungFlows::Flow;
using State = YoungFlows::State;
using Next = StreamMessage::Next;

/// How far ahead of the place where a message is expected a segment may lie and still be kept as a part of it.
constexpr std::uint32_t kReorderWindow = 16 << 10;
/// Where in a TLS stream another ClientHello may begin.
constexpr std::uint32_t kHelloWindow = 64 << 10;
/// Less of a segment does not tell what it begins with: keep-alive probes carry a byte.
constexpr std::size_t kTelling = 6;

/// Where the next message begins; of a stream in which none is expected, where it began.
std::uint32_t place_of(const Flow& young) noexcept {
  return young.waits() ? young.position + 1 : young.position;
}

Expect expect_of(const Flow* young) noexcept {
  if (young == nullptr) return Expect::Unknown;
  switch (young->state) {
    case State::Tls: return Expect::Hello;
    case State::Http: return Expect::Request;
    case State::Body: return Expect::Body;
    case State::Dns: return Expect::Query;
    case State::Free:
    case State::Joined: return Expect::Unknown;
    default: return Expect::Start;
  }
}

bool is_http(const Flow* young) noexcept {
  return young != nullptr && (young->state == State::Http || young->state == State::Body);
}

bool far(std::uint32_t a, std::uint32_t b) noexcept {
  return a - b > kHelloWindow && b - a > kHelloWindow;
}

Cause goes_on(const Flow* young, bool dns_port) noexcept {
  if (is_http(young)) return Cause::HttpIncomplete;
  return dns_port ? Cause::DnsIncomplete : Cause::TlsIncomplete;
}

std::uint64_t name_hash(const WireName& name) noexcept {
  std::uint64_t h = 0xcbf29ce484222325U;  // FNV-1a: only to tell two names apart
  for (const char c : name.text()) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  return h;
}

std::uint64_t fingerprint(std::uint64_t flow, std::uint64_t what, std::uint64_t name) noexcept {
  const auto mixed = static_cast<unsigned __int128>(flow ^ name) * (what * 0x9e3779b97f4a7c15U | 1);
  return (static_cast<std::uint64_t>(mixed) ^ static_cast<std::uint64_t>(mixed >> 64)) * 0xe7037ed1a0b428dbU;
}

}  // namespace

TcpNames::TcpNames(const Limits& limits)
    : young_(limits.young_flows),
      half_(limits.half),
      hellos_(half_.handles()),
      given_(limits.given_names),
      read_unstarted_(limits.read_unstarted),
      dns_ports_(limits.dns_ports),
      structured_error_option_(limits.structured_error_option) {}

Cause TcpNames::start(const FlowKey& key, std::uint64_t hash, const PacketView& view, std::uint32_t now_s) noexcept {
  Flow* young = young_.find(hash, now_s);
  if (young != nullptr && young->waits() && young->position == view.seq) return Cause::None;  // the SYN again
  if (!half_.empty()) {
    const std::uint32_t old = half_.find(key, hash, now_s);
    if (old != HalfRead::kNone) half_.close(old);
  }
  young = young_.insert(hash, now_s, State::Syn);
  if (young == nullptr) return Cause::YoungTableFull;
  young->position = view.seq;
  return Cause::None;
}

void TcpNames::answer(std::uint64_t hash, const PacketView& view, std::uint32_t now_s) noexcept {
  Flow* young = young_.find(hash, now_s);
  if (young == nullptr || !young->waits() || view.ack != young->position + 1) return;
  young->state = State::SynAck;
  young->detail = view.seq;
}

TcpNames::Read TcpNames::read(const FlowKey& key, std::uint64_t hash, const PacketView& view, std::uint32_t now_s,
                              std::size_t frame, FoundNames& out) noexcept {
  const bool syn = (view.tcp_flags & kSyn) != 0;
  Segment s{.key = key,
            .hash = hash,
            .seq = view.seq + (syn ? 1U : 0U),
            .payload = view.payload_bytes(),
            .now_s = now_s,
            .dns_port = dns_ports_.contains(view.dst_port),
            .young = young_.find(hash, now_s),
            .foreign = false,
            .frame = frame,
            .out = out,
            .result = {}};
  if (s.young != nullptr) {
    if (const auto now = static_cast<std::uint16_t>(now_s); s.young->seen_s != now) s.young->seen_s = now;
    s.result.handshake_seen = s.young->state == State::SynAck && view.ack == s.young->detail + 1 && !syn;
    s.young->proven |= s.result.handshake_seen;
  }
  if (s.young != nullptr && s.young->waits() && far(s.seq, place_of(*s.young))) {
    s.foreign = true;
    s.young = nullptr;
  }
  std::uint32_t handle = half_.empty() ? HalfRead::kNone : half_.find(key, hash, now_s);
  if (handle != HalfRead::kNone && far(s.seq, half_.base(handle))) {
    if (s.young == nullptr) return (void)alone(s), s.result;
    half_.close(handle);  // of no use for this stream
    handle = HalfRead::kNone;
  }
  if (handle != HalfRead::kNone) {
    go_on(s, handle);
  } else {
    begin(s);
  }
  return s.result;
}

/// A segment of a stream of which nothing is kept.
void TcpNames::begin(Segment& s) noexcept {
  if (s.young == nullptr) return join(s);
  switch (s.young->state) {
    case State::Tls: return after_hello(s);
    case State::Other: return after_other(s);
    case State::Joined: return after_join(s);
    default: return follow(s);
  }
}

/// A segment of a stream whose next message is expected at a known place.
void TcpNames::follow(Segment& s) noexcept {
  const std::uint32_t next = place_of(*s.young);
  const auto ahead = static_cast<std::int32_t>(s.seq - next);
  if (ahead > 0) return skip_ahead(s);
  if (ahead < 0 && !s.young->waits() && s.young->state != State::Armed && s.seq == s.young->detail &&
      is_hello(s.payload)) {
    set(s, State::Armed, s.seq);  // what was read for the stream's start was a decoy
    return read_from(s, s.payload, s.seq);
  }
  const auto known = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
  if (known < s.payload.size()) return read_from(s, s.payload.subspan(known), next);
  (void)alone(s);  // sent again, or in a body
}

/// A segment that came before the one with the expected message, or whose predecessors were not seen.
void TcpNames::skip_ahead(Segment& s) noexcept {
  const bool told = alone(s) == Protocol::Tls;
  const std::uint32_t next = place_of(*s.young);
  const bool begun = !s.young->waits() && s.young->state != State::Armed;
  if (s.seq - next < (begun ? kReorderWindow : kHelloWindow)) {
    if (!told && s.result.cause == Cause::None) s.result.cause = goes_on(s.young, s.dns_port);
    (void)keep(s, next, s.seq, s.payload);
    return;
  }
  if (!told) lose(s);
}

/// What was expected is not to be had: the stream goes on from this segment.
void TcpNames::lose(Segment& s) noexcept {
  if (s.young == nullptr) return;
  if (is_http(s.young)) {
    s.young->state = State::Body;
    s.young->position = s.seq + static_cast<std::uint32_t>(s.payload.size());
  }
  if (s.young->state == State::Dns) s.young->state = State::Free;  // to be told anew where a message begins
}

/// A segment in a TLS stream whose ClientHello was read.
void TcpNames::after_hello(Segment& s) noexcept {
  if (s.seq - s.young->position < kHelloWindow) read_from(s, s.payload, s.seq);
}

/// A segment in a stream that began with no name.
void TcpNames::after_other(Segment& s) noexcept {
  if (s.seq == s.young->position) return read_from(s, s.payload, s.seq);
  if (asks_for_tls(s.payload, s.young->detail)) {
    set(s, State::Armed, s.seq + static_cast<std::uint32_t>(s.payload.size()));
  }
}

/// A segment of a stream whose start was not seen, and which goes on with something else.
void TcpNames::after_join(Segment& s) noexcept {
  if (asks_for_tls(s.payload, s.young->detail)) {
    set(s, State::Armed, s.seq + static_cast<std::uint32_t>(s.payload.size()));
  } else if (s.dns_port || begins_request(s.payload)) {
    read_from(s, s.payload, s.seq);
  }
}

/// A segment of a stream of which nothing is known.
void TcpNames::join(Segment& s) noexcept {
  if (read_unstarted_) {
    read_from(s, s.payload, s.seq);
    const bool told = s.young != nullptr || s.result.cause != Cause::None;
    if (told || s.payload.size() < kTelling) return;
    set(s, State::Joined, s.seq);
    return s.young != nullptr ? after_join(s) : void();
  }
  const StreamMessage message = reader_.read(s.payload, Expect::Unknown, s.dns_port, structured_error_option_);
  if (message.protocol != Protocol::Other) s.result.cause = Cause::NoStartSeen;
}

/// Reads the messages in `bytes`, which stand at `position`; keeps what is not whole.
void TcpNames::read_from(Segment& s, Bytes bytes, std::uint32_t position) noexcept {
  const Walked walked = walk(s, bytes, position);
  if (!walked.more) return;
  const std::uint32_t start = position + static_cast<std::uint32_t>(walked.used);
  const std::uint32_t base = start + static_cast<std::uint32_t>(walked.passed);
  const std::uint32_t handle = keep(s, base, base, bytes.subspan(walked.used + walked.passed));
  if (handle != HalfRead::kNone && walked.passed > 0) hellos_[handle] = {true, start, reader_.progress()};
}

TcpNames::Walked TcpNames::walk(Segment& s, Bytes bytes, std::uint32_t position) noexcept {
  Walked walked;
  while (walked.used < bytes.size()) {
    const Bytes rest = bytes.subspan(walked.used);
    const std::uint32_t here = position + static_cast<std::uint32_t>(walked.used);
    const StreamMessage message = reader_.read(rest, expect_of(s.young), s.dns_port, structured_error_option_);
    if (s.result.cause != Cause::NamesOverflow) s.result.cause = message.named ? Cause::None : message.cause;
    if (message.named) give(s, message, here);
    note(s, message, here, rest);
    walked.more = message.next == Next::More;
    walked.passed = message.passed;
    if (message.next == Next::Anywhere) walked.used = bytes.size();
    if (message.next != Next::At) return walked;
    walked.used += message.length;
  }
  return walked;
}

/// Remembers where the stream stands behind a message.
void TcpNames::note(Segment& s, const StreamMessage& message, std::uint32_t position, Bytes bytes) noexcept {
  if (message.next == Next::More) return;
  const auto end = position + static_cast<std::uint32_t>(bytes.size());
  const std::uint32_t next = message.next == Next::At ? position + message.length : end;
  switch (message.protocol) {
    case Protocol::Tls:
      if (s.young == nullptr || s.young->state != State::Tls) set(s, State::Tls, position);
      return;
    case Protocol::Http:
      if (message.next != Next::At) return set(s, State::Body, next);
      return set(s, reader_.request().connect ? State::Armed : State::Http, next);
    case Protocol::Dns:
      if (message.next == Next::At) return set(s, State::Dns, next);
      if (s.young != nullptr) s.young->state = State::Free;
      return;
    case Protocol::Other:
      if (expect_of(s.young) != Expect::Start) return;
      set(s, State::Other, position);
      if (asks_for_tls(bytes, s.young->detail)) set(s, State::Armed, end);
      return;
  }
}

void TcpNames::set(Segment& s, State state, std::uint32_t position) noexcept {
  if (s.foreign) return;
  if (s.young == nullptr || s.young->state == State::Free) s.young = young_.insert(s.hash, s.now_s, state);
  if (s.young == nullptr) return;
  if (state == State::Other && s.young->state != State::Other) s.young->detail = 0;
  if (state != State::Other && s.young->waits()) s.young->detail = place_of(*s.young);
  s.young->state = state;
  s.young->position = position;
}

/// Reads a message that is whole in this segment by itself. Other where it gave no name.
Protocol TcpNames::alone(Segment& s) noexcept {
  const Expect expect = expect_of(s.young);
  if (expect == Expect::Query) return Protocol::Other;
  const StreamMessage message = reader_.read(s.payload, Expect::Unknown, s.dns_port, structured_error_option_);
  const bool uploaded = is_http(s.young) && message.protocol != Protocol::Http;
  if (!message.named || uploaded) return Protocol::Other;
  give(s, message, s.seq);
  return message.protocol;
}

/// Keeps `bytes`, which stand at `seq`, until the message that begins at `base` is whole.
std::uint32_t TcpNames::keep(Segment& s, std::uint32_t base, std::uint32_t seq, Bytes bytes) noexcept {
  const bool proven = s.young != nullptr && s.young->proven;
  const std::uint32_t handle = half_.open(s.key, s.hash, base, s.now_s, proven);
  if (handle == HalfRead::kNone) {
    s.result.cause = Cause::HalfTableFull;
    return HalfRead::kNone;
  }
  hellos_[handle].begun = false;
  const HalfRead::Kept kept = half_.add(handle, seq, bytes, s.now_s);
  if (kept == HalfRead::Kept::Stored) return handle;
  half_.close(handle);
  s.result.cause = kept == HalfRead::Kept::TooLong ? Cause::TlsTooLong : Cause::HalfTableFull;
  return HalfRead::kNone;
}

/// A ClientHello for the place of something else that was kept: that was a decoy.
bool TcpNames::begins_anew(const Segment& s, std::uint32_t handle) noexcept {
  if (hellos_[handle].begun || s.seq != half_.base(handle) || !is_hello(s.payload)) return false;
  const Bytes head = half_.head(handle);
  return !head.empty() && !begins_hello(head);
}

/// A segment of a stream of which some bytes are kept.
void TcpNames::go_on(Segment& s, std::uint32_t handle) noexcept {
  // A name whole in this segment counts even where other bytes were kept for its place; and these still count, too: it
  // may be a ClientHello in the middle of something else.
  const bool told = alone(s) == Protocol::Tls;
  if (!told && begins_anew(s, handle)) {
    half_.close(handle);
    return begin(s);
  }
  const HalfRead::Kept kept = half_.add(handle, s.seq, s.payload, s.now_s);
  s.result.cause = goes_on(s.young, s.dns_port);
  const bool more = walk_kept(s, handle);
  if (told) s.result.cause = Cause::None;
  if (kept != HalfRead::Kept::Stored) {
    s.result.cause = kept == HalfRead::Kept::TooLong ? Cause::TlsTooLong : Cause::HalfTableFull;
    if (more) lose(s);
    half_.close(handle);
  } else if (!more || (half_.drained(handle) && !hellos_[handle].begun)) {
    half_.close(handle);
  }
}

/// Reads the messages at the head of what is kept. True where more of the stream is to be read.
bool TcpNames::walk_kept(Segment& s, std::uint32_t handle) noexcept {
  for (Bytes head = half_.head(handle); !head.empty(); head = half_.head(handle)) {
    if (hellos_[handle].begun) return walk_hello(s, handle, head);
    const Walked walked = walk(s, head, half_.base(handle));
    half_.consume(handle, walked.used);
    if (walked.passed > 0) {
      hellos_[handle] = {true, half_.base(handle), reader_.progress()};
      half_.consume(handle, walked.passed);
    }
    if (walked.more) return true;
    if (walked.used == 0 || s.young == nullptr || s.young->state == State::Tls) return false;
  }
  return true;
}

/// Reads on in a ClientHello. True where more of it is to come.
bool TcpNames::walk_hello(Segment& s, std::uint32_t handle, Bytes head) noexcept {
  HalfHello& hello = hellos_[handle];
  const StreamMessage message = reader_.go_on(head, hello.progress);
  s.result.cause = message.named ? Cause::None : message.cause;
  if (message.named) give(s, message, hello.start);
  note(s, message, hello.start, head);
  if (message.next != Next::More) return false;
  half_.consume(handle, message.passed);
  if (half_.base(handle) - hello.start < kHelloWindow) return true;
  s.result.cause = Cause::TlsTooLong;
  return false;
}

void TcpNames::give(Segment& s, const StreamMessage& message, std::uint32_t position) noexcept {
  const bool first = s.young != nullptr && s.young->waits() && position == place_of(*s.young);
  switch (message.protocol) {
    case Protocol::Tls:
      // All hellos of a handshake count as one.
      if (s.young != nullptr) position = place_of(*s.young);
      return add(s, Method::Sni, reader_.hello().name, position, 0, {.outer = reader_.hello().has_ech, .first = first});
    case Protocol::Http:  // a segment may begin behind the empty lines before a request
      position += reader_.request().line_at;
      return add(s, Method::Http, reader_.request().host, position, 0, {.first = first});
    case Protocol::Dns:
      if (first) s.result.first_query = reader_.query_bytes();
      return give_queries(s, position);
    case Protocol::Other: return;
  }
}

void TcpNames::give_queries(Segment& s, std::uint32_t position) noexcept {
  for_each_question(reader_.query(), [&](const DnsQuestion& question, FoundNames::Meta meta) {
    meta.first = !s.result.first_query.empty() && s.result.first_query.data() == reader_.query_bytes().data();
    add(s, Method::Dns, question.name, position + meta.question, question.qtype, meta);
  });
}

void TcpNames::add(Segment& s, Method method, const WireName& name, std::uint32_t position, std::uint16_t qtype,
                   const FoundNames::Meta& meta) noexcept {
  FoundNames::Meta told = meta;
  const std::uint64_t what = std::uint64_t{position} << 8 | static_cast<unsigned>(method);
  told.repeated = given_.again(fingerprint(s.hash, what, name_hash(name)), s.now_s);
  if (!s.out.add(s.frame, method, qtype, name, told)) s.result.cause = Cause::NamesOverflow;
}

}  // namespace sluice
