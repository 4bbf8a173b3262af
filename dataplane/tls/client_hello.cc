#include "dataplane/tls/client_hello.h"

#include <array>

#include "dataplane/tls/handshake_reader.h"

namespace sluice {
namespace {

constexpr std::uint8_t kClientHello = 1;
constexpr std::uint16_t kServerName = 0;                 // RFC 6066 3
constexpr std::uint16_t kEncryptedClientHello = 0xfe0d;  // RFC 9849
constexpr std::uint8_t kHostName = 0;
constexpr std::size_t kMaxHostBytes = WireName::kMaxBytes + 1;  // with a dot at the end

/// Reads a server_name extension. True where it held a host name, of which `verdict` tells whether it is
/// usable.
bool read_server_name(HandshakeReader& in, ClientHello& out, Cause& verdict) noexcept {
  if (in.left() < 2) return verdict = Cause::TlsBadSni, true;
  const std::uint32_t list_bytes = in.be16();
  if (!in.ok()) return false;
  if (list_bytes > in.left()) return verdict = Cause::TlsBadSni, true;
  const auto extension = in.open(list_bytes);
  while (in.left() > 0) {
    if (in.left() < 3) return verdict = Cause::TlsBadSni, true;
    const std::uint8_t type = in.u8();
    const std::uint32_t bytes = in.be16();
    if (!in.ok()) return false;
    if (bytes > in.left() || bytes == 0) return verdict = Cause::TlsBadSni, true;
    if (type != kHostName) {
      in.skip(bytes);
      continue;
    }
    if (bytes > kMaxHostBytes) return verdict = Cause::NameInvalid, true;
    std::array<char, kMaxHostBytes> host;
    in.read(std::span(host).first(bytes));
    if (!in.ok()) return false;
    verdict = assign_text_name(out.name, {host.data(), bytes});
    return true;
  }
  in.close(extension);
  return false;
}

Cause read_extensions(HandshakeReader& in, ClientHello& out) noexcept {
  while (in.left() > 0) {
    const std::uint16_t type = in.be16();
    const auto extensions = in.open(in.be16());
    if (in.ok() && type == kEncryptedClientHello) out.has_ech = true;
    Cause verdict = Cause::None;
    if (in.ok() && type == kServerName && read_server_name(in, out, verdict)) return verdict;
    in.close(extensions);
  }
  return in.ok() ? Cause::TlsNoSni : in.cause();
}

Cause read_message(HandshakeReader in, ClientHello& out) noexcept {
  out.name.length = 0;
  out.has_ech = false;
  if (in.u8() != kClientHello && in.ok()) in.fail(Cause::TlsNotHello);
  (void)in.open(in.be24());
  in.skip(2 + 32);     // legacy_version, random
  in.skip(in.u8());    // legacy_session_id
  in.skip(in.be16());  // cipher_suites
  in.skip(in.u8());    // legacy_compression_methods
  Cause cause = in.cause();
  if (in.ok()) {
    cause = Cause::TlsNoSni;  // extensions may be absent before TLS 1.3
    if (in.left() > 0) {
      (void)in.open(in.be16());
      cause = read_extensions(in, out);
    }
  }
  out.bytes = static_cast<std::uint32_t>(in.consumed());
  return cause;
}

}  // namespace

Cause read_client_hello(Bytes stream, ClientHello& out) noexcept {
  return read_message({stream, HandshakeReader::Framing::Records}, out);
}

Cause read_client_hello_message(Bytes handshake, ClientHello& out) noexcept {
  return read_message({handshake, HandshakeReader::Framing::None}, out);
}

}  // namespace sluice
