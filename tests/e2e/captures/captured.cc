#include "tests/e2e/captures/captured.h"

#include <map>
#include <optional>
#include <stdexcept>
#include <tuple>

#include "control/ctl/inspect/capture.h"
#include "dataplane/flow/flow_key.h"
#include "dataplane/packet/parse.h"
#include "dataplane/quic/initial.h"
#include "tests/support/client_stream.h"

namespace sluice::test {
namespace {

constexpr std::size_t kMostBytes = std::size_t{64} << 10;  ///< of a stream

/// A client's stream, as far as it was captured without a gap.
struct Stream {
  std::uint32_t isn = 0;
  std::vector<std::optional<std::uint8_t>> bytes;
  std::vector<std::size_t> phase_ends;

  void add(std::uint32_t seq, Bytes payload) {
    const std::uint32_t at = seq - isn - 1;
    if (at >= kMostBytes) return;
    if (bytes.size() < at + payload.size()) bytes.resize(at + payload.size());
    for (std::size_t i = 0; i < payload.size(); ++i) {
      if (!bytes[at + i]) bytes[at + i] = payload[i];
    }
  }
  /// The server speaks: what the client says next comes after it.
  void end_phase() {
    if (!bytes.empty() && (phase_ends.empty() || phase_ends.back() < bytes.size())) phase_ends.push_back(bytes.size());
  }
};

/// What is said by one client over one 4-tuple.
struct Talk {
  IpProto proto{};
  std::uint16_t port = 0;
  std::vector<std::string> names;
  std::vector<Stream> streams;  ///< one a SYN
  std::vector<Buffer> queries;
  std::vector<QuicFlight> flights;
  std::vector<std::vector<std::optional<std::uint8_t>>> crypto;  ///< of each flight
};

using TalkKey = std::array<std::uint64_t, 5>;

class Reader {
 public:
  Reader() {
    rig_.policy.mode = Mode::Observe;
    rig_.policy.read_both_sides = true;
  }
  void frame(Bytes bytes, LinkType link, std::uint64_t time_ns) {
    rig_.now.mono_ns = std::max(rig_.now.mono_ns, 5'000'000'000 + time_ns);
    const Frame frame{bytes.data(), static_cast<std::uint32_t>(bytes.size()), Side::Subscriber, link};
    rig_.pipeline->run({&frame, 1}, {rig_.rules.get(), rig_.slots}, rig_.now);
    const PacketView& view = rig_.pipeline->views()[0];
    if (view.cause != Cause::None) return;
    Talk& talk = talks_[flow_key(view, Sender::Client).words];
    talk.proto = view.proto;
    talk.port = view.dst_port;
    for (const NameSeen& seen : rig_.pipeline->names()) talk.names.emplace_back(seen.name.text());
    if (view.proto == IpProto::Tcp) {
      tcp(view, talk);
    } else if (view.dst_port == 53) {
      if (!rig_.pipeline->names().empty()) talk.queries.emplace_back(buffer(view.payload_bytes()));
    } else if (looks_like_quic(view.payload_bytes())) {
      quic(view, talk);
    }
  }
  [[nodiscard]] std::map<TalkKey, Talk>& talks() noexcept { return talks_; }

 private:
  static Buffer buffer(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

  void tcp(const PacketView& view, Talk& talk) {
    const bool syn = (view.tcp_flags & kSyn) != 0;
    if (syn && (view.tcp_flags & kAck) == 0 && (talk.streams.empty() || talk.streams.back().isn != view.seq)) {
      talk.streams.push_back({.isn = view.seq, .bytes = {}, .phase_ends = {}});
    }
    if (view.payload_len == 0) return;
    if (!talk.streams.empty()) return talk.streams.back().add(view.seq + (syn ? 1U : 0U), view.payload_bytes());
    const auto client = talks_.find(flow_key(view, Sender::Server).words);
    if (client != talks_.end() && !client->second.streams.empty()) client->second.streams.back().end_phase();
  }

  void quic(const PacketView& view, Talk& talk) {
    Cursor rest(view.payload_bytes());
    InitialPacket packet;
    QuicNext next = QuicNext::Other;
    while (next_packet(rest, packet, next) == Cause::None && next != QuicNext::End) {
      if (next == QuicNext::Initial) initial(packet, talk);
    }
  }
  /// Adds the CRYPTO ranges of an Initial to the flight whose keys open it.
  void initial(const InitialPacket& packet, Talk& talk) {
    std::vector<std::uint8_t> plain(packet.packet.size());
    InitialOpener::Opened opened;
    for (std::size_t i = talk.flights.size() + 1; i-- > 0;) {
      const bool fresh = i == talk.flights.size();
      InitialKeys keys;
      opener_.derive(packet.version, fresh ? packet.dcid : Bytes(talk.flights[i].dcid), QuicSender::Client, keys);
      const bool known = !fresh && buffer(packet.dcid) == talk.flights[i].dcid;
      if (fresh && std::ranges::any_of(talk.flights, [&](const auto& f) { return f.dcid == buffer(packet.dcid); })) {
        continue;
      }
      if (!opener_.open(packet, keys, 0, plain, opened)) continue;
      if (fresh) {
        talk.flights.push_back({.version = static_cast<std::uint32_t>(packet.version),
                                .dcid = buffer(packet.dcid),
                                .scid = buffer(packet.scid),
                                .token = buffer(packet.token),
                                .server_id = {},
                                .hello = {}});
        talk.crypto.emplace_back();
      } else if (!known) {
        talk.flights[i].server_id = buffer(packet.dcid);
      }
      (void)walk_initial_frames(opened.frames, [&](std::uint64_t offset, Bytes data) {
        std::vector<std::optional<std::uint8_t>>& bytes = talk.crypto[i];
        if (bytes.size() < offset + data.size()) bytes.resize(offset + data.size());
        std::ranges::copy(data, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
      });
      return;
    }
  }

  PipelineRig rig_;
  InitialOpener opener_;
  std::map<TalkKey, Talk> talks_;
};

Buffer until_gap(const std::vector<std::optional<std::uint8_t>>& bytes) {
  Buffer out;
  for (const auto& byte : bytes) {
    if (!byte) break;
    out.push_back(*byte);
  }
  return out;
}

/// Sends the stream byte by byte: which name is read where.
std::vector<Conversation::Named> names_where(const Buffer& bytes, std::uint16_t port) {
  PipelineRig rig;
  rig.policy.mode = Mode::Observe;
  ClientStream stream(rig, port);
  stream.shake_hands();
  std::vector<Conversation::Named> names;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const std::size_t before = stream.names().size();
    stream.send(slice_of(bytes, at, 1));
    for (std::size_t i = before; i < stream.names().size(); ++i) names.push_back({stream.names()[i], 0, at + 1});
  }
  return names;
}

void add_streams(Talk& talk, Captured& out) {
  for (const Stream& stream : talk.streams) {
    Conversation c;
    c.proto = IpProto::Tcp;
    c.port = talk.port;
    c.bytes = until_gap(stream.bytes);
    c.names = names_where(c.bytes, c.port);
    if (c.names.empty()) continue;
    for (const std::size_t end : stream.phase_ends) {
      if (end < c.bytes.size()) c.phase_ends.push_back(end);
    }
    c.phase_ends.push_back(c.bytes.size());
    while (c.phase_ends[c.plain_phases] < c.names[0].end) ++c.plain_phases;  // what leads to TLS: STARTTLS and the like
    for (const Conversation::Named& named : c.names) std::erase(talk.names, named.name);
    out.conversations.push_back(std::move(c));
  }
}

void add_datagrams(Talk& talk, Captured& out) {
  Conversation c;
  c.proto = IpProto::Udp;
  c.port = talk.port;
  c.queries = talk.queries;
  for (std::size_t i = 0; i < talk.flights.size(); ++i) {
    QuicFlight flight = talk.flights[i];
    flight.hello = until_gap(talk.crypto[i]);
    c.flights.push_back(std::move(flight));
  }
  if (c.queries.empty() && c.flights.empty()) return;
  // Queries have names in turn; all flights of a client are for one server name.
  for (std::size_t i = 0; i < talk.names.size(); ++i) {
    const bool query = !c.queries.empty();
    const std::size_t end = query ? 1 : c.flights.back().hello.size();
    c.names.push_back({talk.names[i], query ? std::min(i, c.queries.size() - 1) : c.flights.size() - 1, end});
  }
  talk.names.clear();
  if (!c.names.empty()) out.conversations.push_back(std::move(c));
}

}  // namespace

Captured read_capture(const std::string& path) {
  auto capture = Capture::open(path);
  if (!capture) throw std::runtime_error(path + ": " + capture.error());
  Reader reader;
  CapturedFrame frame;
  std::optional<std::int64_t> began;
  while ((*capture)->next(frame) == Capture::Next::Frame) {
    const std::optional<LinkType> link = link_type_of(frame.link);
    if (!began) began = frame.seconds;
    const auto second = static_cast<std::uint64_t>(std::max<std::int64_t>(0, frame.seconds - *began));
    if (link) reader.frame(frame.bytes, *link, second * 1'000'000'000 + frame.nanoseconds);
  }
  Captured out;
  for (auto& [key, talk] : reader.talks()) {
    out.names += talk.names.size();
    add_streams(talk, out);
    if (talk.proto == IpProto::Udp) add_datagrams(talk, out);
    out.skipped += talk.names.size();
  }
  return out;
}

}  // namespace sluice::test
