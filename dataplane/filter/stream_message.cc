#include "dataplane/filter/stream_message.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice {

bool begins_hello(Bytes b) noexcept {
  if (b[0] != 22 || (b.size() >= 2 && b[1] != 3) || (b.size() >= 6 && b[5] != 1)) return false;
  const std::size_t record = b.size() >= 5 ? load_be16(b.data() + 3) : 0;
  return (record < 2 || b.size() < 7 || b[6] == 0) && (record < 5 || b.size() < 10 || b[9] == 3);
}

bool is_hello(Bytes b) noexcept {
  return b.size() >= 6 && begins_hello(b);
}

namespace {

using Next = StreamMessage::Next;

/// A ChangeCipherSpec record may stand before the second ClientHello (RFC 8446 D.4).
std::size_t change_cipher_spec(Bytes b) noexcept {
  constexpr std::size_t kBytes = 6;
  const bool is = b.size() > kBytes && b[0] == 20 && b[1] == 3 && load_be16(b.data() + 3) == 1 && b[5] == 1;
  return is ? kBytes : 0;
}

/// In the middle of a stream only these make bytes look like a request: text that is uploaded begins with any word, and
/// a segment may begin inside one. `part`: the bytes may end inside the word.
bool begins_known_method(Bytes b, bool part) noexcept {
  constexpr std::array<std::string_view, 12> kMethods{"GET ",    "POST ",     "HEAD ",    "PUT ",
                                                      "DELETE ", "OPTIONS ",  "CONNECT ", "PATCH ",
                                                      "TRACE ",  "PROPFIND ", "REPORT ",  "SEARCH "};
  const std::string_view text(reinterpret_cast<const char*>(b.data()), b.size());
  return std::any_of(kMethods.begin(), kMethods.end(), [&](std::string_view method) {
    return text.starts_with(method) || (part && method.starts_with(text));
  });
}

constexpr std::size_t kLongestHead = 16 << 10;  // of a request: more than servers take
constexpr std::size_t kDnsHeader = 12, kDnsLength = 2;
constexpr std::size_t kSmallestQuery = kDnsHeader + 5;  // one question for the root
constexpr std::size_t kDnsEnough = 4096;                // of a longer message only so much is read

/// A length and the header of a query with one question, as far as the bytes go.
bool plausible_query(Bytes b) noexcept {
  if (b.size() < kDnsLength) return false;
  const std::size_t length = load_be16(b.data());
  if (length < kSmallestQuery || length > kDnsEnough) return false;
  return b.size() < kDnsLength + 6 || ((b[4] & 0xf8) == 0 && load_be16(b.data() + 6) == 1);
}

Protocol recognise(Bytes b, Expect expect, bool dns_port) noexcept {
  switch (expect) {
    case Expect::Hello: return Protocol::Tls;
    case Expect::Request: return begins_hello(b) ? Protocol::Tls : Protocol::Http;
    case Expect::Body: return Protocol::Http;
    case Expect::Query: return begins_hello(b) ? Protocol::Tls : Protocol::Dns;
    case Expect::Start:
      if (begins_hello(b)) return Protocol::Tls;
      return dns_port && !begins_known_method(b, false) ? Protocol::Dns : Protocol::Http;
    case Expect::Unknown:
      if (is_hello(b)) return Protocol::Tls;
      if (begins_known_method(b, false)) return Protocol::Http;
      return dns_port && plausible_query(b) ? Protocol::Dns : Protocol::Other;
  }
  return Protocol::Other;
}

}  // namespace

StreamMessage StreamReader::read(Bytes stream, Expect expect, bool dns_port,
                                 std::uint16_t structured_error_option) noexcept {
  // A ClientHello may have been a decoy: the stream is another then.
  if (expect == Expect::Hello && !is_hello(stream.subspan(change_cipher_spec(stream)))) expect = Expect::Unknown;
  switch (recognise(stream, expect, dns_port)) {
    case Protocol::Tls: return read_hello(stream);
    case Protocol::Http: return read_http(stream, expect);
    case Protocol::Dns: return read_dns(stream, structured_error_option);
    case Protocol::Other: return {};
  }
  return {};
}

StreamMessage StreamReader::read_hello(Bytes stream) noexcept {
  const std::size_t before = change_cipher_spec(stream);
  progress_ = {};
  StreamMessage message = go_on(stream.subspan(before), progress_);
  if (message.passed > 0) message.passed += static_cast<std::uint32_t>(before);
  return message;
}

StreamMessage StreamReader::go_on(Bytes stream, HelloProgress& progress) noexcept {
  StreamMessage message{.protocol = Protocol::Tls, .cause = continue_client_hello(stream, progress, hello_)};
  message.named = message.cause == Cause::None;
  if (message.cause != Cause::TlsIncomplete) return message;
  message.next = Next::More;
  message.passed = hello_.bytes;
  return message;
}

StreamMessage StreamReader::read_http(Bytes stream, Expect expect) noexcept {
  const bool start = expect == Expect::Start;
  Cause cause = read_request(stream, request_);
  const bool cut = cause == Cause::HttpIncomplete;
  const bool perhaps = expect == Expect::Body || expect == Expect::Unknown;
  if (cut && perhaps && !begins_known_method(stream, expect == Expect::Body)) cause = Cause::HttpNotRequest;
  if (cause == Cause::HttpNotRequest && (start || expect == Expect::Unknown)) {
    return {.cause = start ? Cause::TlsNotHello : Cause::None};
  }
  StreamMessage message{.protocol = Protocol::Http, .cause = cause, .named = cause == Cause::None};
  if (cause == Cause::HttpNotRequest) message.cause = Cause::None;
  const bool framed = request_.connect || request_.body_bytes != HttpRequest::kUnknownBody;
  if (cause == Cause::HttpNotRequest || cause == Cause::HttpBadRequest) {
    message.next = Next::Anywhere;
  } else if (request_.head_bytes == 0) {
    message.next = Next::More;  // perhaps with a host already
    if (stream.size() < kLongestHead) return message;
    message.next = Next::Anywhere;
    if (cut) message.cause = Cause::HttpTooLong;
  } else {
    message.next = framed ? Next::At : Next::Anywhere;
    message.length = request_.head_bytes + (framed && !request_.connect ? request_.body_bytes : 0);
  }
  return message;
}

StreamMessage StreamReader::read_dns(Bytes stream, std::uint16_t structured_error_option) noexcept {
  StreamMessage message{.protocol = Protocol::Dns, .cause = Cause::DnsIncomplete, .next = Next::More};
  if (stream.size() < kDnsLength) return message;
  const std::size_t length = load_be16(stream.data());
  if (length < kDnsHeader) return {.protocol = Protocol::Dns, .cause = Cause::DnsTruncated, .next = Next::Anywhere};
  const std::size_t here = std::min(length, stream.size() - kDnsLength);
  if (here < std::min(length, kDnsEnough)) return message;
  query_bytes_ = stream.subspan(kDnsLength, here);
  message.cause = parse_dns_query(query_bytes_, structured_error_option, query_);
  message.named = message.cause == Cause::None;
  message.next = Next::At;
  message.length = static_cast<std::uint32_t>(kDnsLength + length);
  return message;
}

bool begins_request(Bytes bytes) noexcept {
  return begins_known_method(bytes, false);
}

namespace {

/// SOCKS (RFC 1928 4, and version 4), and RDP's connection request (X.224 in TPKT), after which TLS follows.
bool asks_in_binary(Bytes b) noexcept {
  if (b.size() < 9) return false;
  const bool socks5 = b[0] == 5 && b[1] == 1 && b[2] == 0 && (b[3] == 1 || b[3] == 3 || b[3] == 4);
  const bool socks4 = b[0] == 4 && b[1] == 1;
  const bool rdp = b[0] == 3 && b[1] == 0 && load_be16(b.data() + 2) == b.size() && b[5] == 0xe0;
  return socks5 || socks4 || rdp;
}

}  // namespace

bool asks_for_tls(Bytes bytes, std::uint32_t& letters) noexcept {
  constexpr auto four = [](const char(&text)[5]) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[0])) << 24 |
           static_cast<std::uint32_t>(text[1]) << 16 | static_cast<std::uint32_t>(text[2]) << 8 |
           static_cast<std::uint32_t>(text[3]);
  };
  constexpr std::uint32_t kSslRequest = 80877103U;  // the request code of PostgreSQL's protocol
  constexpr std::size_t kLast = 16;                 // more than any ending
  bool line_ended = false;
  for (const std::uint8_t byte : bytes.last(std::min(bytes.size(), kLast))) {
    line_ended = byte == '\n';
    if (byte == '\r' || byte == '\n') continue;
    const bool lower = byte >= 'a' && byte <= 'z';
    letters = letters << 8 | (lower ? byte - ('a' - 'A') : byte);
  }
  if (letters == kSslRequest || letters == four("S'/>") || letters == four("S\"/>") || letters == four("0037") ||
      asks_in_binary(bytes)) {
    return true;
  }
  return line_ended && (letters == four("TTLS") || letters == four("STLS") || letters == four(" TLS"));
}

}  // namespace sluice
