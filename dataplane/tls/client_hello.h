#pragma once

#include <cstdint>

#include "dataplane/base/bytes.h"
#include "dataplane/base/wire_name.h"
#include "dataplane/tls/handshake_reader.h"

namespace sluice {

/// What was read of a ClientHello.
struct ClientHello {
  WireName name;                    ///< server name in canonical text; empty unless the Cause is None
  bool has_ech = false;             ///< encrypted_client_hello (0xfe0d) among the extensions that were there: the name
                                    ///< is the outer, public one
  std::uint32_t bytes = 0;          ///< of the input, from its start, that the answer rests on
  std::uint32_t message_bytes = 0;  ///< of the whole handshake message, header included; 0: not known yet
};

/// What is kept of a ClientHello between two pieces of its stream: a few numbers and none of its bytes.
struct HelloProgress {
  enum class Step : std::uint8_t { Head, Methods, Block, Extension, Name };
  HandshakePlace place;
  Step step = Step::Head;  ///< what stands next, once `skip` handshake bytes were passed over
  bool has_ech = false;
  std::uint32_t skip = 0;
  // Ends of what is open, in handshake bytes: message, extensions, server_name, its list.
  std::uint32_t message_end = 0, block_end = 0, extension_end = 0, list_end = 0;
};

/// Reads the server name out of the first bytes of a TLS stream (RFC 8446 4.1.2 and 5.1, RFC 6066 3). The
/// stream starts at a record header and may be cut anywhere; the handshake message may be spread over any
/// number of records.
///
/// None: a server name that is usable, also where the rest of the ClientHello is not there yet. A longer
/// prefix of the same stream gives the same name. TlsIncomplete: nothing contradicts a ClientHello so far,
/// more bytes are needed. TlsNotHello: no handshake record of TLS or SSL 3, or another handshake message
/// (also SSL 2 hellos). TlsBadRecord: a later record of another type or version, or one that is empty or over
/// 2^14 bytes. TlsBadHandshake: lengths inside the ClientHello do not nest. TlsNoSni: it ends without a host
/// name. TlsBadSni: lengths inside server_name do not nest, or the host name is empty. NameInvalid,
/// NameIsAddress: as assign_text_name().
[[nodiscard]] Cause read_client_hello(Bytes stream, ClientHello& out) noexcept;

/// The same in pieces: after TlsIncomplete out.bytes bytes of `stream` were passed, and the next piece begins behind
/// them. So a ClientHello of any length is read in time that its bytes take once, and next to no memory.
[[nodiscard]] Cause continue_client_hello(Bytes stream, HelloProgress& progress, ClientHello& out) noexcept;

/// The same over a handshake message without records (QUIC CRYPTO data, RFC 9001 4).
[[nodiscard]] Cause read_client_hello_message(Bytes handshake, ClientHello& out) noexcept;

}  // namespace sluice
