#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/base/bytes.h"
#include "dataplane/base/cause.h"
#include "dataplane/base/cursor.h"

namespace sluice {

/// Versions whose Initials are opened here.
enum class QuicVersion : std::uint32_t {
  V1 = 0x00000001,       ///< RFC 9000, RFC 9001
  V2 = 0x6b3343cf,       ///< RFC 9369
  Draft29 = 0xff00001d,  ///< draft-ietf-quic-tls-29: the last one that servers still speak
};

inline constexpr std::size_t kMaxConnectionIdBytes = 20;  ///< RFC 9000 17.2

/// A client's or server's Initial inside a datagram. Views into the datagram.
struct InitialPacket {
  QuicVersion version;
  Bytes dcid, scid;  ///< 0..20 bytes
  Bytes token;
  Bytes packet;               ///< from the first byte to the end that its length field gives
  std::size_t number_at = 0;  ///< offset of the protected packet number in `packet`
};

/// What stands next in a datagram.
enum class QuicNext : std::uint8_t {
  Initial,
  Other,  ///< another long-header packet of a version read here, with a length: skipped over
  End,    ///< nothing further that can be walked: short header, Retry, padding
};

/// True where a UDP payload could be a QUIC packet that begins a connection: long header (RFC 8999 5.1) and a version
/// that is spoken, reserved for negotiation tests or standardised later. The bit that version 1 fixes is not asked
/// for: servers may let clients grease it (RFC 9287).
[[nodiscard]] bool looks_like_quic(Bytes datagram) noexcept;

/// Takes the next packet off a datagram (RFC 9000 12.2, 17.2). None, and what it was in `next` (`out` holds for
/// QuicNext::Initial); or QuicVersion, or QuicBadHeader, after which there is nothing further to take.
[[nodiscard]] Cause next_packet(Cursor& datagram, InitialPacket& out, QuicNext& next) noexcept;

/// Keys of one direction of Initials (RFC 9001 5.2).
struct InitialKeys {
  std::array<std::uint8_t, 16> key;
  std::array<std::uint8_t, 12> iv;
  std::array<std::uint8_t, 16> header;
};
enum class QuicSender : std::uint8_t { Client, Server };

/// The cryptography of Initials: contexts that are made once, so that a packet costs no allocation. One a worker.
class InitialOpener {
 public:
  InitialOpener();
  ~InitialOpener();
  InitialOpener(const InitialOpener&) = delete;
  InitialOpener& operator=(const InitialOpener&) = delete;

  /// Initial keys from the Destination Connection ID of the client's first Initial (RFC 9001 5.2, RFC 9369 3.3).
  void derive(QuicVersion version, Bytes dcid, QuicSender sender, InitialKeys& out) noexcept;

  struct Opened {
    Bytes frames;  ///< in `plain`
    std::uint64_t number = 0;
  };
  /// Takes header and packet protection off (RFC 9001 5.3, 5.4) into `plain`, which must hold packet.packet.size()
  /// bytes. `expected_number`: one more than the greatest packet number opened so far, else 0 (RFC 9000 A.3).
  /// False where the authentication tag does not verify: other keys, or a changed packet.
  [[nodiscard]] bool open(const InitialPacket& packet, const InitialKeys& keys, std::uint64_t expected_number,
                          MutableBytes plain, Opened& out) noexcept;

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

/// Passes over PADDING frames, most of an Initial, eight at a time.
inline void skip_padding(Cursor& c) noexcept {
  const Bytes rest = c.rest();
  std::size_t n = 0;
  while (rest.size() - n >= 8 && load_be64(&rest[n]) == 0) n += 8;
  while (n < rest.size() && rest[n] == 0) ++n;
  c.skip(n);
}

/// Reads the frames of an opened Initial (RFC 9000 12.4: PADDING, PING, ACK, CRYPTO, CONNECTION_CLOSE) and calls
/// on_crypto(offset, Bytes) for each CRYPTO range. None, or QuicBadFrame at the first other or malformed one.
template <class OnCrypto>
[[nodiscard]] Cause walk_initial_frames(Bytes frames, OnCrypto&& on_crypto) noexcept {
  Cursor c(frames);
  while (!c.empty()) {
    const std::uint64_t type = c.varint();
    switch (type) {
      case 0x00:  // PADDING
        skip_padding(c);
        break;
      case 0x01:  // PING
        break;
      case 0x02:           // ACK
      case 0x03: {         // ACK with ECN counts
        (void)c.varint();  // largest acknowledged
        (void)c.varint();  // delay
        const std::uint64_t ranges = c.varint();
        (void)c.varint();  // first range
        for (std::uint64_t i = 0; i < ranges && c.ok(); ++i) {
          (void)c.varint();  // gap
          (void)c.varint();  // length
        }
        for (int i = 0; type == 0x03 && i < 3; ++i) (void)c.varint();
        break;
      }
      case 0x06: {  // CRYPTO
        const std::uint64_t offset = c.varint();
        const Bytes data = c.bytes(c.varint());
        if (c.ok()) on_crypto(offset, data);
        break;
      }
      case 0x1c: {         // CONNECTION_CLOSE of the transport
        (void)c.varint();  // error code
        (void)c.varint();  // frame type
        c.skip(c.varint());
        break;
      }
      default: return Cause::QuicBadFrame;
    }
  }
  return c.ok() ? Cause::None : Cause::QuicBadFrame;
}

}  // namespace sluice
