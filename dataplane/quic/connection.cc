#include "dataplane/quic/connection.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <vector>

#include "dataplane/quic/crypto_stream.h"
#include "dataplane/quic/initial.h"
#include "dataplane/tls/client_hello.h"

namespace sluice {
namespace {

constexpr std::uint32_t kNone = QuicReader::kNone;
constexpr std::size_t kWays = 8;             ///< connections of one set, and so at most of one 4-tuple
constexpr unsigned kMaxOpened = 4;           ///< Initials of one datagram that are opened
constexpr unsigned kMaxPackets = 8;          ///< packets of one datagram that are walked
constexpr std::size_t kMaxDatagram = 65535;  ///< PacketView reads no more of a frame

/// Addresses and ports of one direction.
struct FlowKey {
  std::array<std::uint8_t, 40> bytes{};
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

FlowKey key_of(const PacketView& view, bool reversed) noexcept {
  FlowKey key;
  const Bytes first = reversed ? view.dst() : view.src();
  const Bytes second = reversed ? view.src() : view.dst();
  std::ranges::copy(first, key.bytes.begin());
  std::ranges::copy(second, key.bytes.begin() + 16);
  store_be16(&key.bytes[32], reversed ? view.dst_port : view.src_port);
  store_be16(&key.bytes[34], reversed ? view.src_port : view.dst_port);
  key.bytes[36] = view.ipv6 ? 6 : 4;
  return key;
}

class SeededHash {
 public:
  explicit SeededHash(std::uint64_t seed) noexcept
      : start_(fold(seed ^ 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)), factor_(fold(seed, 0xa0761d6478bd642f) | 1) {}

  /// Never 0.
  std::uint64_t operator()(Bytes bytes) const noexcept {
    std::uint64_t h = start_ ^ bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, &bytes[at], std::min<std::size_t>(8, bytes.size() - at));
      h = fold(h ^ word, factor_);
    }
    return fold(h, factor_ ^ 0x8ebc6af09c88c6e3) | 1;
  }

 private:
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::uint64_t start_, factor_;
};

struct ConnectionId {
  std::uint8_t length = 0;
  std::array<std::uint8_t, kMaxConnectionIdBytes> bytes;

  void assign(Bytes id) noexcept {
    length = static_cast<std::uint8_t>(id.size());
    std::ranges::copy(id, bytes.begin());
  }
  [[nodiscard]] bool equals(Bytes id) const noexcept { return std::ranges::equal(id, Bytes{bytes.data(), length}); }
};

struct Connection {
  FlowKey key;
  ConnectionId origin;  ///< Destination Connection ID that the keys come from
  ConnectionId client;  ///< Source Connection ID of the client
  QuicVersion version;
  InitialKeys keys;
  std::uint64_t expected_number;
  std::uint64_t last_ns;
  std::uint64_t name_hash;  ///< 0: no name given yet
  std::uint32_t stream;     ///< of the pool, or kNone
  std::uint64_t begin;      ///< in the CRYPTO stream: of the ClientHello that is read
  std::uint64_t end;        ///< of the one that was read last; 0: not known
  bool settled;             ///< its ClientHello was read to an end, whatever the end was
  bool blocked;
};

/// The half-read ClientHellos: a fixed number of streams, each lent to one connection.
class StreamPool {
 public:
  explicit StreamPool(std::uint32_t count) : streams_(count), owners_(count, kNone), since_ns_(count) {
    free_.reserve(count);
    for (std::uint32_t i = count; i > 0; --i) free_.push_back(i - 1);
  }
  [[nodiscard]] bool full() const noexcept { return free_.empty(); }
  [[nodiscard]] std::size_t lent() const noexcept { return streams_.size() - free_.size(); }
  [[nodiscard]] std::uint32_t oldest_owner() const noexcept {
    return owners_[static_cast<std::size_t>(std::ranges::min_element(since_ns_) - since_ns_.begin())];
  }
  std::uint32_t lend(std::uint32_t owner, std::uint64_t now_ns) noexcept {
    const std::uint32_t stream = free_.back();
    free_.pop_back();
    owners_[stream] = owner;
    since_ns_[stream] = now_ns;
    streams_[stream].clear();
    return stream;
  }
  void take_back(std::uint32_t stream) noexcept {
    owners_[stream] = kNone;
    free_.push_back(stream);  // within the capacity reserved
  }
  CryptoStream& operator[](std::uint32_t stream) noexcept { return streams_[stream]; }

 private:
  std::vector<CryptoStream> streams_;
  std::vector<std::uint32_t> owners_;
  std::vector<std::uint64_t> since_ns_;
  std::vector<std::uint32_t> free_;
};

/// Hashes of the connections of one set: one cache line tells which of them are worth a look.
struct alignas(64) HashLine {
  std::array<std::uint64_t, kWays> hash{};  ///< 0: free
};

}  // namespace

struct QuicReader::State {
  State(const QuicLimits& limits_, std::uint64_t seed)
      : limits(limits_),
        hash(seed),
        lines(std::bit_ceil(std::max<std::size_t>(limits_.connections, kWays)) / kWays),
        connections(lines.size() * kWays),
        streams(std::max(limits_.half_read, 1U)),
        plain(kMaxDatagram) {}

  Cause read_initial(const PacketView& view, const InitialPacket& packet, WireName& out) noexcept;
  Cause open_packet(const PacketView& view, const InitialPacket& packet, InitialOpener::Opened& opened,
                    std::uint32_t& index) noexcept;
  std::uint32_t open_as_known(const InitialPacket& packet, InitialOpener::Opened& opened, bool own_id) noexcept;
  bool is_from_server(const PacketView& view, Bytes dcid) noexcept;
  std::uint32_t remember(const InitialPacket& packet, const InitialKeys& keys) noexcept;
  void forget(std::uint32_t index) noexcept;
  std::uint32_t borrow_stream(std::uint32_t index) noexcept;
  void return_stream(Connection& connection) noexcept;
  Cause read_frames(std::uint32_t index, Bytes frames) noexcept;
  void read_crypto(std::uint32_t index, std::uint64_t offset, Bytes data) noexcept;
  Cause settle(Connection& connection, Cause hello_cause, bool bad_frame) noexcept;
  [[nodiscard]] bool was_given(const Connection& connection, std::uint64_t name_hash, bool token) const noexcept;
  [[nodiscard]] bool expired(const Connection& connection) const noexcept {
    return now_ns > connection.last_ns && now_ns - connection.last_ns > limits.lifetime_ns;
  }

  /// Calls use(index) for each living connection of a 4-tuple until one returns true: its index, or kNone.
  template <class Use>
  std::uint32_t find(const FlowKey& of, std::uint64_t of_hash, Use&& use) noexcept {
    const std::size_t set = of_hash & (lines.size() - 1);
    for (std::size_t way = 0; way < kWays; ++way) {
      if (lines[set].hash[way] != of_hash) continue;
      const auto index = static_cast<std::uint32_t>(set * kWays + way);
      if (expired(connections[index])) {
        forget(index);
      } else if (connections[index].key == of && use(connections[index])) {
        return index;
      }
    }
    return kNone;
  }

  QuicLimits limits;
  SeededHash hash;
  std::vector<HashLine> lines;
  std::vector<Connection> connections;
  StreamPool streams;
  InitialOpener opener;
  std::vector<std::uint8_t> plain;
  ClientHello hello;

  // of the datagram that is being read
  FlowKey key;
  std::uint64_t key_hash = 0;
  std::uint64_t now_ns = 0;
  bool gave_way = false;  ///< a living half-read handshake lost its stream to this one
  bool repeated = false;
  std::uint32_t opened_for = kNone;  ///< index of the connection that an Initial was opened for
};

QuicReader::QuicReader(const QuicLimits& limits, std::uint64_t seed) : state_(std::make_unique<State>(limits, seed)) {}
QuicReader::~QuicReader() = default;

QuicReader::Handle QuicReader::connection() const noexcept {
  return state_->opened_for;
}
void QuicReader::block(Handle connection) noexcept {
  if (connection != kNone) state_->connections[connection].blocked = true;
}
bool QuicReader::blocked(Handle connection) const noexcept {
  return connection != kNone && state_->connections[connection].blocked;
}
bool QuicReader::outer() const noexcept {
  return state_->hello.has_ech;
}

bool QuicReader::shared(const PacketView& view, bool from_client) const noexcept {
  const State& s = *state_;
  const FlowKey key = key_of(view, !from_client);
  const std::uint64_t hash = s.hash(key.bytes);
  const std::size_t set = hash & (s.lines.size() - 1);
  for (std::size_t way = 0; way < kWays; ++way) {
    const Connection& connection = s.connections[set * kWays + way];
    const bool other = s.lines[set].hash[way] == hash && connection.key == key;
    if (other && connection.name_hash != 0 && !connection.blocked) return true;
  }
  return false;
}

bool QuicReader::repeated() const noexcept {
  return state_->repeated;
}

std::uint32_t QuicReader::half_read() const noexcept {
  return static_cast<std::uint32_t>(state_->streams.lent());
}

Cause QuicReader::read(const PacketView& view, std::uint64_t now_ns, WireName& out) noexcept {
  out.length = 0;
  State& s = *state_;
  s.repeated = false;
  s.opened_for = kNone;
  const Bytes datagram = view.payload_bytes();
  if (!looks_like_quic(datagram)) return Cause::QuicNotInitial;
  s.key = key_of(view, false);
  s.key_hash = s.hash(s.key.bytes);
  s.now_ns = now_ns;
  s.gave_way = false;

  Cause worst = Cause::QuicNotInitial;
  Cursor rest(datagram);
  InitialPacket packet;
  QuicNext next = QuicNext::Other;
  for (unsigned packets = 0, opened = 0; packets < kMaxPackets && opened < kMaxOpened; ++packets) {
    Cause cause = next_packet(rest, packet, next);
    if (cause == Cause::None && next == QuicNext::Initial) {
      cause = s.read_initial(view, packet, out);
      if (cause == Cause::None) return Cause::None;
      ++opened;
    }
    if (cause != Cause::None && (worst == Cause::QuicNotInitial || cause == Cause::QuicIncomplete)) worst = cause;
    if (next == QuicNext::End) break;
  }
  return worst;
}

Cause QuicReader::State::read_initial(const PacketView& view, const InitialPacket& packet, WireName& out) noexcept {
  InitialOpener::Opened opened;
  std::uint32_t index = kNone;
  if (const Cause cause = open_packet(view, packet, opened, index); cause != Cause::None) return cause;
  opened_for = index;
  Connection& connection = connections[index];
  connection.last_ns = now_ns;
  connection.expected_number = std::max(connection.expected_number, opened.number + 1);

  const Cause cause = read_frames(index, opened.frames);
  if (cause != Cause::None) return cause;
  const std::string_view name = hello.name.text();
  const std::uint64_t name_hash = hash(Bytes{reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
  repeated = was_given(connection, name_hash, !packet.token.empty());
  connection.name_hash = name_hash;
  out.length = hello.name.length;
  std::memcpy(out.data(), name.data(), name.size());
  return Cause::None;
}

/// Finds the connection whose keys open the packet: by its own Destination Connection ID, known or new, then by those
/// of the other connections on the same addresses and ports.
Cause QuicReader::State::open_packet(const PacketView& view, const InitialPacket& packet, InitialOpener::Opened& opened,
                                     std::uint32_t& index) noexcept {
  index = open_as_known(packet, opened, true);
  if (index != kNone) return Cause::None;
  if (is_from_server(view, packet.dcid)) return Cause::QuicNotInitial;
  InitialKeys keys;
  opener.derive(packet.version, packet.dcid, QuicSender::Client, keys);
  index = opener.open(packet, keys, 0, plain, opened) ? remember(packet, keys) : open_as_known(packet, opened, false);
  return index != kNone ? Cause::None : Cause::QuicNoKeys;
}

std::uint32_t QuicReader::State::open_as_known(const InitialPacket& packet, InitialOpener::Opened& opened,
                                               bool own_id) noexcept {
  return find(key, key_hash, [&](const Connection& connection) {
    if (connection.origin.equals(packet.dcid) != own_id) return false;
    if (connection.version == packet.version) {
      return opener.open(packet, connection.keys, connection.expected_number, plain, opened);
    }
    InitialKeys keys;  // the server moved on to another version (RFC 9369 4.1)
    opener.derive(packet.version, {connection.origin.bytes.data(), connection.origin.length}, QuicSender::Client, keys);
    return opener.open(packet, keys, connection.expected_number, plain, opened);
  });
}

/// True where the packet answers a client that is known: it goes to the ID that this client gave itself.
bool QuicReader::State::is_from_server(const PacketView& view, Bytes dcid) noexcept {
  const FlowKey reversed = key_of(view, true);
  return find(reversed, hash(reversed.bytes), [&](const Connection& c) { return c.client.equals(dcid); }) != kNone;
}

std::uint32_t QuicReader::State::remember(const InitialPacket& packet, const InitialKeys& keys) noexcept {
  const std::size_t set = key_hash & (lines.size() - 1);
  std::size_t victim = 0;
  for (std::size_t way = 0; way < kWays; ++way) {
    if (lines[set].hash[way] == 0) {
      victim = way;
      break;
    }
    if (connections[set * kWays + way].last_ns < connections[set * kWays + victim].last_ns) victim = way;
  }
  const auto index = static_cast<std::uint32_t>(set * kWays + victim);
  if (lines[set].hash[victim] != 0) forget(index);
  lines[set].hash[victim] = key_hash;
  Connection& connection = connections[index];
  connection = {.key = key,
                .origin = {},
                .client = {},
                .version = packet.version,
                .keys = keys,
                .expected_number = 0,
                .last_ns = now_ns,
                .name_hash = 0,
                .stream = kNone,
                .begin = 0,
                .end = 0,
                .settled = false,
                .blocked = false};
  connection.origin.assign(packet.dcid);
  connection.client.assign(packet.scid);
  return index;
}

void QuicReader::State::forget(std::uint32_t index) noexcept {
  return_stream(connections[index]);
  lines[index / kWays].hash[index % kWays] = 0;
}

std::uint32_t QuicReader::State::borrow_stream(std::uint32_t index) noexcept {
  if (streams.full()) {
    Connection& oldest = connections[streams.oldest_owner()];
    gave_way = gave_way || !expired(oldest);
    return_stream(oldest);
  }
  return connections[index].stream = streams.lend(index, now_ns);
}

void QuicReader::State::return_stream(Connection& connection) noexcept {
  if (connection.stream == kNone) return;
  streams.take_back(connection.stream);
  connection.stream = kNone;
}

/// Reads the frames of one opened Initial; None: hello.name holds.
Cause QuicReader::State::read_frames(std::uint32_t index, Bytes frames) noexcept {
  Connection& connection = connections[index];
  const Cause walked =
      walk_initial_frames(frames, [&](std::uint64_t offset, Bytes data) { read_crypto(index, offset, data); });
  const bool bad_frame = walked != Cause::None;
  if (connection.stream == kNone) return bad_frame ? Cause::QuicBadFrame : Cause::QuicNotInitial;
  return settle(connection, read_client_hello_message(streams[connection.stream].prefix(), hello), bad_frame);
}

/// After a ClientHello only its own start can begin it again; a second one (RFC 8446 4.1.4) stands behind it.
void QuicReader::State::read_crypto(std::uint32_t index, std::uint64_t offset, Bytes data) noexcept {
  Connection& connection = connections[index];
  const std::uint64_t end = offset + data.size();
  if (connection.settled && offset != 0 && (connection.end == 0 || end <= connection.end) &&
      connection.stream == kNone) {
    return;
  }
  const bool second = connection.settled && connection.end != 0 && end > connection.end;
  if (connection.stream == kNone) {
    borrow_stream(index);
    connection.begin = second ? connection.end : 0;
  } else if (second && connection.begin < connection.end) {
    streams[connection.stream].clear();
    connection.begin = connection.end;
  }
  if (end <= connection.begin) return;
  const std::uint64_t known = offset < connection.begin ? connection.begin - offset : 0;
  streams[connection.stream].insert(offset + known - connection.begin, data.subspan(static_cast<std::size_t>(known)));
}

Cause QuicReader::State::settle(Connection& connection, Cause hello_cause, bool bad_frame) noexcept {
  if (hello_cause == Cause::TlsIncomplete) {
    if (streams[connection.stream].prefix().size() < CryptoStream::kMaxBytes) {
      if (bad_frame) return Cause::QuicBadFrame;
      return gave_way ? Cause::HalfTableFull : Cause::QuicIncomplete;
    }
    hello_cause = Cause::TlsTooLong;
  }
  connection.settled = true;
  connection.end = hello.message_bytes == 0 ? 0 : connection.begin + hello.message_bytes;
  return_stream(connection);
  return hello_cause;
}

/// The same connection gave this name before: under the same keys, or before a Retry (RFC 9000 17.2.5.2: a token, and
/// the client's own ID unchanged).
bool QuicReader::State::was_given(const Connection& connection, std::uint64_t name_hash, bool token) const noexcept {
  if (connection.name_hash == name_hash) return true;
  if (!token) return false;
  const std::size_t set = key_hash & (lines.size() - 1);
  for (std::size_t way = 0; way < kWays; ++way) {
    const Connection& other = connections[set * kWays + way];
    if (lines[set].hash[way] == key_hash && other.key == key && other.name_hash == name_hash &&
        other.client.equals({connection.client.bytes.data(), connection.client.length})) {
      return true;
    }
  }
  return false;
}

}  // namespace sluice
