#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/base/cause.h"
#include "dataplane/base/wire_name.h"
#include "dataplane/packet/packet_view.h"

namespace sluice {

struct QuicLimits {
  std::uint32_t connections = 8192;            ///< remembered at a time; rounded up to a power of two
  std::uint32_t half_read = 512;               ///< of them with a ClientHello that is not complete: 18 KiB each
  std::uint64_t lifetime_ns = 30'000'000'000;  ///< a connection is forgotten so long after its last Initial
};

/// Reads the server names of QUIC handshakes out of the datagrams of clients. One a worker; all memory is taken in the
/// constructor. Nothing is ever held back: what cannot be read is left to the policy table.
///
/// A connection is known by its addresses and ports and by the Destination Connection ID of its first Initial, which
/// its keys come from. Later Initials carry an ID that the server chose: they are opened with the keys of the
/// connections known on the same addresses and ports; the tag decides. A Retry changes the keys to its own ID
/// (RFC 9001 5.2), which is then in the packet itself. A second ClientHello, after a HelloRetryRequest, goes on in the
/// CRYPTO stream where the first one ended.
class QuicReader {
 public:
  /// `seed` keys the hash of addresses.
  QuicReader(const QuicLimits& limits, std::uint64_t seed);
  ~QuicReader();
  QuicReader(const QuicReader&) = delete;
  QuicReader& operator=(const QuicReader&) = delete;

  /// Reads one UDP datagram of either direction, any port. None: `out` holds the name of a ClientHello that this
  /// datagram completes. Else why not: QuicNotInitial (no QUIC, or an Initial with nothing new: the usual case, after a
  /// look at five bytes), QuicVersion, QuicBadHeader, QuicNoKeys, QuicBadFrame, QuicIncomplete, HalfTableFull
  /// (incomplete, and the oldest half-read handshake gave way), or what read_client_hello_message says.
  [[nodiscard]] Cause read(const PacketView& view, std::uint64_t now_ns, WireName& out) noexcept;

  /// A connection that was read of, until it gives its place to another.
  using Handle = std::uint32_t;
  static constexpr Handle kNone = 0xffffffff;
  /// The connection whose keys opened an Initial of the last read(), or kNone.
  [[nodiscard]] Handle connection() const noexcept;
  /// Its ClientHello was blocked: nothing of it is to pass.
  void block(Handle connection) noexcept;
  [[nodiscard]] bool blocked(Handle connection) const noexcept;
  /// Another connection than the blocked ones is known on the addresses and ports of a datagram of either direction.
  [[nodiscard]] bool shared(const PacketView& view, bool from_client) const noexcept;
  /// True where the last read() gave a name beside encrypted_client_hello, as far as that was there.
  [[nodiscard]] bool outer() const noexcept;

  /// True where the last read() gave a name that it had already given for the same connection: a retransmission, or
  /// the same ClientHello again after a Retry. It is to be judged again, but not to be counted or shown again.
  [[nodiscard]] bool repeated() const noexcept;

  /// ClientHellos that are kept in part.
  [[nodiscard]] std::uint32_t half_read() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice
