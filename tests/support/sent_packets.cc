#include "tests/support/sent_packets.h"

#include <set>
#include <utility>

namespace sluice::test {
namespace {

constexpr std::uint8_t kDataFlags = kPsh | kAck;
constexpr std::size_t kMostFragmented = 100;    ///< datagrams of a conversation: no table holds all at once
constexpr std::size_t kMostPutTogether = 8192;  ///< bytes of a datagram of fragments that are read (FragmentLimits)
constexpr std::size_t kInitialFrames = 1100;    ///< bytes of frames in an Initial, about

Octets octets(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace

SentPackets::SentPackets(const Conversation& conversation, Endpoints ends, Recut& recut)
    : recut_(recut),
      choose_([&recut](std::size_t n) { return recut.below(n); }),
      ends_(std::move(ends)),
      fragmented_(recut.one_in(3)),
      tunnelled_(recut.one_in(3)),
      isn_(static_cast<std::uint32_t>(recut.random()())),
      next_id_(recut.below(1 << 16)) {
  ends_.dst_port = conversation.port;
  if (conversation.proto == IpProto::Tcp) {
    tcp(conversation);
  } else {
    udp(conversation);
  }
}

bool SentPackets::receives(std::size_t stream, std::size_t end, const std::vector<bool>& passed) const {
  std::vector<std::set<std::size_t>> got(datagrams_.size());
  for (std::size_t i = 0; i < frames_.size(); ++i) {
    if (passed[i]) got[frames_[i].datagram].insert(frames_[i].piece);
  }
  std::vector<bool> there(end);
  for (std::size_t d = 0; d < datagrams_.size(); ++d) {
    if (got[d].size() < datagrams_[d].pieces) continue;
    for (const Cover& cover : datagrams_[d].covers) {
      for (std::size_t at = cover.begin; cover.stream == stream && at < std::min(cover.end, end); ++at)
        there[at] = true;
    }
  }
  return std::ranges::find(there, false) == there.end();
}

/// The client's SYN, perhaps with data (TFO, RFC 7413), and what follows it where the way back is seen.
void SentPackets::shake_hands(bool both, Bytes first) {
  plain_ = true;
  segment(isn_, kSyn, first, {{0, 0, first.size()}});
  flush();
  if (!both) return;
  const Segment answer{.seq = 4999, .ack = isn_ + 1, .flags = kSyn | kAck, .options = {}, .payload = {}};
  frames_.push_back({tcp_frame(ends_.reversed(), answer), Side::Internet, datagrams_.size(), 0});
  datagrams_.push_back({});
  segment(isn_ + 1, kAck, {}, {});
  flush();
}

/// What else goes by: acknowledgements, a probe of a byte that was sent before, what the server says.
void SentPackets::between_phases() {
  plain_ = true;
  if (recut_.one_in(2)) segment(isn_ + 1, kAck, {}, {});
  if (recut_.one_in(4)) segment(isn_, kAck, Octets(1, 0), {});  // keep-alive (RFC 9293 3.8.4)
  flush();
  if (!recut_.one_in(2)) return;
  const Segment said{.seq = 5000, .ack = isn_ + 1, .options = {}, .payload = Buffer(100, 'x')};
  frames_.push_back({tcp_frame(ends_.reversed(), said), Side::Internet, datagrams_.size(), 0});
  datagrams_.push_back({});
}

void SentPackets::tcp(const Conversation& c) {
  const std::size_t way = recut_.below(5);  // three in five: both directions are seen
  const bool with_data = way == 4 && c.plain_phases == 0;
  const Bytes first = Bytes(c.bytes).first(with_data ? recut_.below(c.phase_ends[0]) : 0);
  shake_hands(way < 3, first);
  std::size_t begin = 0;
  for (std::size_t phase = 0; phase < c.phase_ends.size(); ++phase) {
    const std::size_t end = c.phase_ends[phase];
    plain_ = phase < c.plain_phases;
    for (const Piece& piece : recut_.pieces(Bytes(c.bytes).first(end), begin, plain_)) {
      const auto seq = isn_ + 1 + static_cast<std::uint32_t>(piece.at);
      segment(seq, kDataFlags, piece.bytes, {{0, piece.at, piece.at + piece.bytes.size()}});
    }
    flush();
    between_phases();
    begin = end;
  }
}

void SentPackets::segment(std::uint32_t seq, std::uint8_t flags, Bytes payload, std::vector<Cover> covers) {
  const unsigned ack = flags == kSyn ? 0 : 5000;
  send(IpProto::Tcp,
       test::tcp(ends_.src_port, ends_.dst_port, octets(payload), {.seq = seq, .ack = ack, .flags = flags}),
       std::move(covers));
}

void SentPackets::udp(const Conversation& c) {
  for (std::size_t i = 0; i < c.queries.size(); ++i) {
    send(IpProto::Udp, test::udp(ends_.src_port, ends_.dst_port, c.queries[i]), {{i, 0, 1}});
    if (recut_.one_in(2)) flush();
  }
  flush();
  for (std::size_t i = 0; i < c.flights.size(); ++i) quic(c.flights[i], i);
}

/// The CRYPTO frames of a flight: those of the first part to the client's own ID, some later ones to the server's.
void SentPackets::quic(const QuicFlight& flight, std::size_t stream) {
  const std::vector<Piece> pieces = recut_.pieces(flight.hello, 0);
  const bool later = !flight.server_id.empty() && pieces.size() > 1;
  const auto split = static_cast<std::ptrdiff_t>(later ? 1 + recut_.below(pieces.size() - 1) : pieces.size());
  packet_number_ = recut_.below(3);
  quic_datagrams(flight, stream, {pieces.begin(), pieces.begin() + split}, flight.dcid);
  flush();
  quic_datagrams(flight, stream, {pieces.begin() + split, pieces.end()}, flight.server_id);
  flush();
}

void SentPackets::quic_datagrams(const QuicFlight& flight, std::size_t stream, const std::vector<Piece>& pieces,
                                 const ByteVector& to) {
  constexpr std::size_t kMostInitials = 4, kMostPieces = 80;
  std::size_t next = 0;
  while (next < pieces.size()) {
    ByteVector datagram;
    std::vector<Cover> covers;
    const std::size_t initials = 1 + recut_.below(kMostInitials);
    const bool early = recut_.one_in(4);
    const std::size_t room = early ? kInitialFrames - 100 : kInitialFrames;
    for (std::size_t n = 0; n < initials && next < pieces.size() && datagram.size() < room; ++n) {
      ByteVector frames;
      if (recut_.one_in(3)) put(frames, ByteVector{0x01, 0x02, 0, 0, 0, 0});  // PING, ACK
      for (std::size_t k = 1 + recut_.below(kMostPieces); k > 0 && next < pieces.size(); --k) {
        const Piece& piece = pieces[next];
        const std::size_t left = room - std::min(room, datagram.size() + frames.size());
        if (piece.bytes.size() + 8 > left && (!frames.empty() || n > 0)) break;
        append_crypto(frames, piece.at, piece.bytes);
        if (recut_.one_in(5)) frames.resize(frames.size() + recut_.below(5));  // PADDING
        covers.push_back({stream, piece.at, piece.at + piece.bytes.size()});
        ++next;
      }
      put(datagram, initial(flight, to, std::move(frames), initials == 1));
    }
    if (early) put(datagram, early_data(flight, to));
    send(IpProto::Udp, test::udp(ends_.src_port, ends_.dst_port, datagram), std::move(covers));
    if (recut_.one_in(6)) send(IpProto::Udp, test::udp(ends_.src_port, ends_.dst_port, datagram), {});
  }
}

ByteVector SentPackets::initial(const QuicFlight& flight, const ByteVector& to, ByteVector frames, bool alone) {
  return seal({.version = flight.version,
               .keys_from = flight.dcid,
               .dcid = to,
               .scid = flight.scid,
               .token = flight.token,
               .number = packet_number_++,
               .number_bytes = 1 + static_cast<unsigned>(recut_.below(4)),
               .fixed_bit = !recut_.one_in(8),
               .frames = std::move(frames),
               .pad_frames_to = alone ? std::size_t{1150} : std::size_t{4}});
}

/// A 0-RTT packet, which nobody on the way can read.
ByteVector SentPackets::early_data(const QuicFlight& flight, const ByteVector& to) {
  constexpr std::size_t kBytes = 64;
  ByteVector packet{static_cast<std::uint8_t>(flight.version == 0x6b3343cf ? 0xe0 : 0xd0)};
  put32(packet, flight.version);
  for (const ByteVector* id : {&to, &flight.scid}) {
    put8(packet, static_cast<unsigned>(id->size()));
    put(packet, *id);
  }
  append_varint(packet, kBytes);
  packet.resize(packet.size() + kBytes, 0x77);
  return packet;
}

void SentPackets::send(IpProto proto, Bytes l4, std::vector<Cover> covers) {
  const auto number = static_cast<unsigned>(proto);
  const IpPacket packet{ends_.ipv6, ends_.ipv6 ? ipv6(number, octets(l4), {.src = ends_.src, .dst = ends_.dst})
                                               : ipv4(number, octets(l4), {.src = ends_.src, .dst = ends_.dst})};
  datagrams_.push_back({std::move(covers), 1});
  const bool fragmented = fragmented_ && datagrams_.size() < kMostFragmented;
  if (fragmented && recut_.one_in(2)) return wrap(fragments(packet), tunnelled_);
  if (!tunnelled_) return wrap({packet}, false);
  IpPacket outer = in_tunnels(choose_, packet);
  if (!fragmented) return wrap({outer}, false);
  std::copy(ends_.src.end() - 3, ends_.src.end(),
            outer.bytes.begin() + (outer.v6 ? 21 : 13));  // ids are a source's own
  wrap(fragments(outer), false);
}

/// The frames of one datagram, in any order, some of them twice.
void SentPackets::wrap(const std::vector<IpPacket>& pieces, bool in_tunnel) {
  const std::size_t datagram = datagrams_.size() - 1;
  datagrams_[datagram].pieces = pieces.size();
  std::vector<SentFrame> sent;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const bool twice = !plain_ && pieces.size() > 1 && recut_.one_in(12);
    for (int copies = twice ? 2 : 1; copies > 0; --copies) {
      const IpPacket packet = in_tunnel ? in_tunnels(choose_, pieces[i]) : pieces[i];
      const Octets frame = tunnelled_ ? framed(choose_, packet) : ethernet(packet.ether_type(), packet.bytes);
      sent.push_back({frame, Side::Subscriber, datagram, i});
    }
  }
  recut_.order(sent);
  pending_.insert(pending_.end(), sent.begin(), sent.end());
}

std::vector<IpPacket> SentPackets::fragments(const IpPacket& packet) {
  const std::size_t header = packet.v6 ? 40 : 20;
  const Bytes data = Bytes(packet.bytes).subspan(header);
  const std::size_t cut = 8 * (1 + recut_.below(recut_.one_in(4) ? 8 : 170));
  const std::size_t least = (data.size() / 30 + 7) / 8 * 8;  // thirty pieces at most, or thereabouts
  const std::size_t step = std::max(cut, least);
  const unsigned proto = packet.bytes[packet.v6 ? 6 : 9];
  if (data.size() <= step || data.size() > kMostPutTogether) return {packet};
  const std::size_t id = ++next_id_ & 0xffff;
  std::vector<IpPacket> pieces;
  for (std::size_t at = 0; at < data.size(); at += step) {
    const Octets part = octets(data.subspan(at, std::min(step, data.size() - at)));
    const bool more = at + step < data.size();
    const Octets src = octets(Bytes(packet.bytes).subspan(packet.v6 ? 8 : 12, packet.v6 ? 16 : 4));
    const Octets dst = octets(Bytes(packet.bytes).subspan(packet.v6 ? 24 : 16, packet.v6 ? 16 : 4));
    if (packet.v6) {
      const Octets fragment = ipv6_fragment(proto, static_cast<unsigned>(at), more, id, part);
      pieces.push_back({true, ipv6(44, fragment, {.src = src, .dst = dst})});
    } else {
      const auto field = static_cast<unsigned>(at / 8 | (more ? 0x2000U : 0U));
      pieces.push_back({false, ipv4(proto, part, {.id = id, .flags_and_offset = field, .src = src, .dst = dst})});
    }
  }
  return pieces;
}

void SentPackets::flush() {
  if (!plain_ && recut_.one_in(2)) {
    for (std::size_t i = 0; i + 1 < pending_.size(); ++i) {
      if (recut_.one_in(5)) std::swap(pending_[i], pending_[i + 1]);
    }
  }
  frames_.insert(frames_.end(), pending_.begin(), pending_.end());
  pending_.clear();
}

}  // namespace sluice::test
