#pragma once

#include <algorithm>
#include <string_view>

#include "tests/support/frames.h"

// DNS queries and TLS ClientHellos as bytes.
namespace sluice::test {

/// "www.example.org" → wire form with the root at its end; "" is the root.
inline Octets dns_name(std::string_view name) {
  Octets wire;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    wire = join({wire, with_len8(text(label))});
    name.remove_prefix(label.size() == name.size() ? label.size() : label.size() + 1);
  }
  return join({wire, u8(0)});
}
inline Octets dns_question(std::string_view name, unsigned qtype = 1, unsigned qclass = 1) {
  return join({dns_name(name), be16(qtype), be16(qclass)});
}
inline Octets dns_header(unsigned questions, unsigned additional = 0, unsigned flags = 0x0100, unsigned answers = 0) {
  return join({be16(0x1234), be16(flags), be16(questions), be16(answers), be16(0), be16(additional)});
}
inline Octets dns_query(std::string_view name, unsigned qtype = 1) {
  return join({dns_header(1), dns_question(name, qtype)});
}
inline Octets dns_record(const Octets& name, unsigned type, unsigned rclass, std::size_t ttl, const Octets& data) {
  return join({name, be16(type), be16(rclass), be32(ttl), with_len16(data)});
}
inline Octets dns_opt(unsigned udp_size = 1232, bool dnssec_ok = false, const Octets& options = {}) {
  return dns_record(u8(0), 41, udp_size, dnssec_ok ? 0x8000 : 0, options);
}
inline Octets dns_option(unsigned code, const Octets& data = {}) {
  return join({be16(code), with_len16(data)});
}

inline Octets tls_extension(unsigned type, const Octets& body) {
  return join({be16(type), with_len16(body)});
}
inline Octets tls_server_name(std::string_view host) {
  return tls_extension(0, with_len16(join({u8(0), with_len16(text(host))})));
}
/// A handshake message with the given extensions.
inline Octets client_hello_with(const Octets& extensions) {
  const Octets body = join({{3, 3},
                            Octets(32, 0x5a),
                            with_len8(Octets(32, 7)),
                            with_len16({0x13, 1, 0x13, 2, 0xc0, 0x2f}),
                            with_len8({0}),
                            with_len16(extensions)});
  return join({u8(1), with_len24(body)});
}
/// Supported versions, a key share of `key_share_bytes` (about 1200 where it is post-quantum), then the server name.
inline Octets client_hello(std::string_view host, std::size_t key_share_bytes = 32) {
  return client_hello_with(
      join({tls_extension(43, {2, 3, 4}),
            tls_extension(51, with_len16(join({be16(29), with_len16(Octets(key_share_bytes, 9))}))),
            tls_server_name(host), tls_extension(16, with_len16(with_len8(text("h2"))))}));
}
/// Cuts a handshake message into records of at most `record_bytes`.
inline Octets tls_records(const Octets& message, std::size_t record_bytes = 1 << 14) {
  Octets stream;
  for (std::size_t at = 0; at < message.size(); at += record_bytes) {
    const std::size_t n = std::min(record_bytes, message.size() - at);
    const auto from = message.begin() + static_cast<std::ptrdiff_t>(at);
    stream = join({stream, {22, 3, 1}, with_len16(Octets(from, from + static_cast<std::ptrdiff_t>(n)))});
  }
  return stream;
}

}  // namespace sluice::test
