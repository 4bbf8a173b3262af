#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/filter/pipeline.h"
#include "tests/support/conversation.h"
#include "tests/support/encapsulate.h"
#include "tests/support/quic_sealer.h"

namespace sluice::test {

/// Bytes [begin, end) of one of a conversation's streams.
struct Cover {
  std::size_t stream, begin, end;
};

/// One frame on its way, and what it brings to its receiver.
struct SentFrame {
  Buffer frame;
  Side from = Side::Subscriber;
  std::size_t datagram = 0;  ///< whose piece it is
  std::size_t piece = 0;     ///< of which fragment
};

/// A conversation as frames: cut, ordered, repeated, overlapped, in fragments, in tunnels, each frame in another way.
class SentPackets {
 public:
  /// `ends`: the client's addresses, its port and the server's.
  SentPackets(const Conversation& conversation, Endpoints ends, Recut& recut);

  [[nodiscard]] const std::vector<SentFrame>& frames() const noexcept { return frames_; }
  /// True where a receiver who gets only the frames i with passed[i] holds the first `end` bytes of `stream`.
  [[nodiscard]] bool receives(std::size_t stream, std::size_t end, const std::vector<bool>& passed) const;

 private:
  struct Datagram {
    std::vector<Cover> covers;
    std::size_t pieces = 1;
  };

  void tcp(const Conversation& c);
  void shake_hands(bool both, Bytes first);
  void between_phases();
  void udp(const Conversation& c);
  void quic(const QuicFlight& flight, std::size_t stream);
  void quic_datagrams(const QuicFlight& flight, std::size_t stream, const std::vector<Piece>& pieces,
                      const ByteVector& to);
  [[nodiscard]] ByteVector initial(const QuicFlight& flight, const ByteVector& to, ByteVector frames, bool alone);
  [[nodiscard]] ByteVector early_data(const QuicFlight& flight, const ByteVector& to);

  void segment(std::uint32_t seq, std::uint8_t flags, Bytes payload, std::vector<Cover> covers);
  void send(IpProto proto, Bytes l4, std::vector<Cover> covers);
  void wrap(const std::vector<IpPacket>& pieces, bool in_tunnel);
  [[nodiscard]] std::vector<IpPacket> fragments(const IpPacket& packet);
  /// What was sent since the last call is ordered anew and goes on.
  void flush();

  Recut& recut_;
  Choose choose_;
  Endpoints ends_;
  bool fragmented_, tunnelled_;
  bool plain_ = false;  ///< nothing is sent twice
  std::uint32_t isn_;
  std::size_t next_id_;  ///< of the next datagram that is cut
  std::uint64_t packet_number_ = 0;
  std::vector<Datagram> datagrams_;
  std::vector<SentFrame> pending_, frames_;
};

}  // namespace sluice::test
