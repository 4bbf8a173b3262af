#include "tests/bench/flood/frames_in_turn.h"

#include <map>

#include "tests/support/frames.h"
#include "tests/support/quic_sealer.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t kIsn = 999;
constexpr std::size_t kFirstPart = 1400;  ///< bytes of a ClientHello with a post-quantum key share

Segment part_of(const Buffer& stream, std::size_t from, std::size_t to) {
  Segment s{.seq = kIsn + 1 + static_cast<std::uint32_t>(from), .options = {}, .payload = {}};
  put(s.payload, Bytes(stream).subspan(from, std::min(to, stream.size()) - from));
  return s;
}

const Endpoints& to_port(std::uint16_t port) {
  static std::map<std::uint16_t, Endpoints> made;
  Endpoints& ends = made[port];
  ends.dst_port = port;
  return ends;
}

/// The CRYPTO bytes [from, to) of a ClientHello, in an Initial.
Buffer initial(const Endpoints& ends, const ByteVector& id, const ByteVector& hello, std::size_t from, std::size_t to) {
  ByteVector frames;
  append_crypto(frames, from, Bytes(hello).subspan(from, to - from));
  return udp_frame(ends, seal({.keys_from = id,
                               .dcid = id,
                               .scid = {},
                               .token = {},
                               .number = from == 0 ? 0U : 1U,
                               .frames = frames,
                               .pad_frames_to = 1160}));
}

/// The two fragments of a query.
std::array<Buffer, 2> fragmented_query(const Endpoints& ends, std::string_view name) {
  constexpr std::size_t kCut = 24;
  DnsAsk ask;
  ask.names = {std::string(name)};
  const Octets datagram = udp(ends.src_port, ends.dst_port, dns_message(ask));
  const auto piece = [&](std::size_t from, std::size_t to) {
    const auto field = static_cast<unsigned>(from / 8 | (to < datagram.size() ? 0x2000U : 0U));
    const auto begin = datagram.begin();
    return ethernet(0x0800,
                    ipv4(17, {begin + static_cast<std::ptrdiff_t>(from), begin + static_cast<std::ptrdiff_t>(to)},
                         {.id = ends.src_port, .flags_and_offset = field, .src = ends.src, .dst = ends.dst}));
  };
  return {piece(0, kCut), piece(kCut, datagram.size())};
}

std::vector<Stamp> stamps_of(FloodKind kind) {
  std::vector<Stamp> stamps;
  const Endpoints& web = to_port(443);
  const Buffer syn = tcp_frame(web, {.seq = kIsn, .ack = 0, .flags = 2, .options = {}, .payload = {}});
  const Buffer half = tcp_frame(web, part_of(tls_client_hello("spoofed.example", 1700), 0, kFirstPart));
  constexpr unsigned kInitials = 1024;
  std::mt19937 random(2);
  switch (kind) {
    case FloodKind::None: break;
    case FloodKind::Syns: stamps.emplace_back(syn); break;
    case FloodKind::HalfHellos: stamps.emplace_back(half); break;
    case FloodKind::SynsAndHalves:
      stamps.emplace_back(syn);
      stamps.emplace_back(half);
      break;
    case FloodKind::GarbageInitials:
    case FloodKind::SealedInitials:
      for (unsigned n = 0; n < kInitials; ++n) {
        const ByteVector id{0xf0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n), 4, 5, 6, 7, 8};
        Buffer frame = initial(web, id, client_hello("spoofed.example", 1500), 0, 1000);
        if (kind == FloodKind::GarbageInitials) {
          for (std::size_t i = frame.size() - 1000; i < frame.size(); ++i)
            frame[i] = static_cast<std::uint8_t>(random());
        }
        stamps.emplace_back(std::move(frame));
      }
      break;
    case FloodKind::Fragments: stamps.emplace_back(fragmented_query(to_port(53), "spoofed.example")[0]); break;
  }
  return stamps;
}

}  // namespace

Flood::Flood(FloodKind kind) : kind_(kind), stamps_(stamps_of(kind)) {}

const Buffer& Flood::next() {
  if (!half_follows_) {
    address_ = static_cast<std::uint32_t>(random_()) | 0x80000000U;  // never an honest client's
    port_ = static_cast<std::uint16_t>(random_());
  }
  std::size_t which = 0;
  if (kind_ == FloodKind::SynsAndHalves) {
    which = half_follows_ ? 1 : 0;
    half_follows_ = !half_follows_;
  } else if (stamps_.size() > 1) {
    which = random_() % stamps_.size();
  }
  return stamps_[which].from(address_, port_);
}

Honest honest_client(HonestKind kind, std::uint32_t number) {
  Honest client{.kind = kind, .name = "host" + std::to_string(number) + ".honest.example", .ends = {}, .parts = {}};
  client.ends = to_port(kind == HonestKind::DnsFragments ? 53 : 443);
  client.ends.src = {10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                     static_cast<std::uint8_t>(number)};
  if (kind == HonestKind::DnsFragments) {
    client.parts = fragmented_query(client.ends, client.name);
  } else if (kind == HonestKind::Quic) {
    ByteVector id(8);
    store_be32(id.data(), number);
    const ByteVector hello = client_hello(client.name, 1500);
    client.parts = {initial(client.ends, id, hello, 0, 1000), initial(client.ends, id, hello, 1000, hello.size())};
  } else {
    const Buffer hello = tls_client_hello(client.name, 1700);
    client.parts = {tcp_frame(client.ends, part_of(hello, 0, kFirstPart)),
                    tcp_frame(client.ends, part_of(hello, kFirstPart, hello.size()))};
  }
  return client;
}

Buffer syn_of(const Honest& client) {
  return tcp_frame(client.ends, {.seq = kIsn, .ack = 0, .flags = 2, .options = {}, .payload = {}});
}

Buffer syn_ack_to(const Honest& client) {
  return tcp_frame(client.ends.reversed(), {.seq = 4999, .ack = kIsn + 1, .flags = 0x12, .options = {}, .payload = {}});
}

}  // namespace sluice::test
