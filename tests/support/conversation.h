#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/made_packets.h"
#include "tests/support/recut.h"

namespace sluice::test {

/// What a client sends in Initials under one Destination Connection ID of its own: a ClientHello.
struct QuicFlight {
  std::uint32_t version = 1;
  Buffer dcid, scid, token;
  Buffer server_id;  ///< the ID that later Initials of the flight go to; empty: all go to dcid
  Buffer hello;      ///< the handshake message
};

/// What a client says to a server, and the names in it, whatever way it is cut, sealed and wrapped.
struct Conversation {
  /// A name, and what a server must have got to know it: the first `end` bytes of a stream.
  struct Named {
    std::string name;
    std::size_t stream = 0;  ///< TCP: 0; QUIC: which flight; DNS over UDP: which query
    std::size_t end = 0;
    bool again = false;  ///< the client says once more what it said in another stream: to be given once
  };

  IpProto proto = IpProto::Tcp;
  std::uint16_t port = 443;
  std::vector<Named> names;
  /// TCP: the stream. The client waits for the server between two phases: their bytes do not overtake each other.
  Buffer bytes;
  std::vector<std::size_t> phase_ends;
  std::size_t plain_phases = 0;     ///< so many at the start are cut, but come in order and once
  std::vector<Buffer> queries;      ///< DNS over UDP
  std::vector<QuicFlight> flights;  ///< QUIC, one after the other

  void phase(const Buffer& more) {
    put(bytes, more);
    phase_ends.push_back(bytes.size());
  }
  /// A phase that ends with the message that has a name in it.
  void phase(const Buffer& more, std::string name) {
    phase(more);
    names.push_back({std::move(name), 0, bytes.size()});
  }
};

/// Any shape of what the clients of 2026 send: ClientHellos with post-quantum key shares, GREASE and ECH in any number
/// of records, also after HelloRetryRequest, CONNECT and STARTTLS; pipelined requests and queries; DNS over UDP; QUIC
/// of three versions, with Retry, with the server's ID and with several connections on the same ports. One name in four
/// ends in bad.example, the others do not.
[[nodiscard]] Conversation any_conversation(Recut& recut);

}  // namespace sluice::test
