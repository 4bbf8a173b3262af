#pragma once

#include <cstdint>

#include "dataplane/dns/query.h"
#include "dataplane/http/request.h"
#include "dataplane/tls/client_hello.h"

namespace sluice {

/// What is known of a place in a client's stream.
enum class Expect : std::uint8_t {
  Start,    ///< the stream, or what follows STARTTLS or CONNECT, begins here
  Hello,    ///< a TLS stream: a further ClientHello may begin here (HelloRetryRequest)
  Request,  ///< an HTTP stream: what follows a request begins here, another one or a ClientHello
  Body,     ///< an HTTP stream whose framing is not known: a further request may begin here
  Query,    ///< a DNS stream: the next message begins here
  Unknown,  ///< nothing: only what cannot be mistaken counts
};

enum class Protocol : std::uint8_t { Other, Tls, Http, Dns };

/// What begins at a place in a stream, and where the next message begins.
struct StreamMessage {
  enum class Next : std::uint8_t {
    More,      ///< not known before more of this one is there
    At,        ///< `length` bytes further on
    Anywhere,  ///< perhaps where a later segment begins
    Nowhere,   ///< nothing else is read
  };
  Protocol protocol = Protocol::Other;
  Cause cause = Cause::None;
  bool named = false;  ///< names were read (also with Next::More)
  Next next = Next::Nowhere;
  std::uint32_t length = 0;
  /// With Next::More, of a ClientHello: so many of its bytes were read for good; go_on() takes what is behind them.
  std::uint32_t passed = 0;
};

/// Reads the message that begins at some place of a client's TCP stream: a ClientHello, an HTTP request or a DNS query
/// with its two bytes of length (RFC 1035 4.2.2; on DNS ports only).
class StreamReader {
 public:
  /// `dns_port`: the stream goes to one. `stream` is not empty; hello(), request() and query() hold until the next
  /// call, of the message whose protocol was given.
  [[nodiscard]] StreamMessage read(Bytes stream, Expect expect, bool dns_port,
                                   std::uint16_t structured_error_option) noexcept;

  /// The next piece of a ClientHello; `stream` begins where it was read to.
  [[nodiscard]] StreamMessage go_on(Bytes stream, HelloProgress& progress) noexcept;
  /// Of the ClientHello of the last read(), where it goes on.
  [[nodiscard]] const HelloProgress& progress() const noexcept { return progress_; }

  [[nodiscard]] const ClientHello& hello() const noexcept { return hello_; }
  [[nodiscard]] const HttpRequest& request() const noexcept { return request_; }
  [[nodiscard]] const DnsQuery& query() const noexcept { return query_; }
  /// The query without its length; as much of it as was there, where it is very long.
  [[nodiscard]] Bytes query_bytes() const noexcept { return query_bytes_; }

 private:
  [[nodiscard]] StreamMessage read_hello(Bytes stream) noexcept;
  [[nodiscard]] StreamMessage read_http(Bytes stream, Expect expect) noexcept;
  [[nodiscard]] StreamMessage read_dns(Bytes stream, std::uint16_t structured_error_option) noexcept;

  ClientHello hello_;
  HelloProgress progress_;
  HttpRequest request_;
  DnsQuery query_;
  Bytes query_bytes_;
};

/// As far as the bytes go, a handshake record of SSL 3 or TLS whose first message is a ClientHello of less than 64 KiB.
[[nodiscard]] bool begins_hello(Bytes bytes) noexcept;
/// Enough of one to be told from other bytes.
[[nodiscard]] bool is_hello(Bytes bytes) noexcept;
/// Begins with one of the methods by which requests in the middle of a stream are known.
[[nodiscard]] bool begins_request(Bytes bytes) noexcept;

/// Knows when a client asks for TLS or for a tunnel: STARTTLS (RFC 3207, 2595, 4642), STLS (RFC 2595 4), AUTH TLS (RFC
/// 4217), XMPP's element (RFC 6120 5.4.2.1), LDAP's operation (the end of its OID, RFC 4511 4.14), PostgreSQL's
/// SSLRequest, SOCKS, RDP. `letters` carries the last letters from one segment to the next, 0 at first. True where the
/// bytes end with such a request. It is taken for one too readily rather than too rarely: all that comes of it is that
/// the bytes which follow are read as a stream's beginning.
[[nodiscard]] bool asks_for_tls(Bytes bytes, std::uint32_t& letters) noexcept;

}  // namespace sluice
