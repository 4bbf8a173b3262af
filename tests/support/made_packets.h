#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"

namespace sluice::test {

using Buffer = std::vector<std::uint8_t>;

inline void put8(Buffer& b, unsigned v) {
  b.push_back(static_cast<std::uint8_t>(v));
}
inline void put16(Buffer& b, unsigned v) {
  put8(b, v >> 8);
  put8(b, v);
}
inline void put32(Buffer& b, std::uint32_t v) {
  put16(b, v >> 16);
  put16(b, v & 0xffff);
}
inline void put(Buffer& b, Bytes v) {
  b.insert(b.end(), v.begin(), v.end());
}
inline void put(Buffer& b, std::string_view v) {
  b.insert(b.end(), v.begin(), v.end());
}

/// Internet checksum, straight from RFC 1071: 0 over data that carries a correct one.
inline std::uint16_t rfc1071(Bytes bytes, std::uint32_t start = 0) {
  std::uint64_t sum = start;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? unsigned{bytes[i]} << 8 : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

/// Addresses, ports and the headers below IP of the frames that are made.
struct Endpoints {
  bool ipv6 = false;
  Buffer src{10, 1, 2, 3}, dst{192, 0, 2, 53};
  std::uint16_t src_port = 40000, dst_port = 53;
  std::vector<std::uint16_t> tags;  ///< TPIDs, outermost first; VLAN id 100, 101, …
  bool pppoe = false;
  std::uint8_t ttl = 57;

  static Endpoints v6() {
    Endpoints e;
    e.ipv6 = true;
    e.src = {0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3};
    e.dst = {0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 53};
    return e;
  }
  /// The same connection seen from the other end.
  [[nodiscard]] Endpoints reversed() const {
    Endpoints e = *this;
    std::swap(e.src, e.dst);
    std::swap(e.src_port, e.dst_port);
    return e;
  }
};

inline Buffer link_and_ip(const Endpoints& e, std::uint8_t proto, Bytes l4) {
  Buffer f{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
  unsigned vlan = 100;
  for (const std::uint16_t tpid : e.tags) {
    put16(f, tpid);
    put16(f, vlan++);
  }
  const std::size_t ip_bytes = (e.ipv6 ? 40U : 20U) + l4.size();
  if (e.pppoe) {
    put16(f, 0x8864);
    put16(f, 0x1100);
    put16(f, 7);
    put16(f, static_cast<unsigned>(ip_bytes + 2));
    put16(f, e.ipv6 ? 0x0057 : 0x0021);
  } else {
    put16(f, e.ipv6 ? 0x86dd : 0x0800);
  }
  const std::size_t ip = f.size();
  if (e.ipv6) {
    put32(f, 0x60000000);
    put16(f, static_cast<unsigned>(l4.size()));
    put8(f, proto);
    put8(f, e.ttl);
  } else {
    put32(f, 0x45000000U | static_cast<std::uint32_t>(ip_bytes));
    put32(f, 0x12344000);
    put8(f, e.ttl);
    put8(f, proto);
    put16(f, 0);
  }
  put(f, e.src);
  put(f, e.dst);
  if (!e.ipv6) store_be16(f.data() + ip + 10, rfc1071({f.data() + ip, 20}));
  put(f, l4);
  return f;
}

inline std::uint16_t l4_sum(const Endpoints& e, std::uint8_t proto, Bytes l4) {
  Buffer pseudo = e.src;
  put(pseudo, e.dst);
  put32(pseudo, static_cast<std::uint32_t>(l4.size()));
  put32(pseudo, proto);
  put(pseudo, l4);
  return rfc1071(pseudo);
}

inline Buffer udp_frame(const Endpoints& e, Bytes payload) {
  Buffer l4;
  put16(l4, e.src_port);
  put16(l4, e.dst_port);
  put16(l4, static_cast<unsigned>(8 + payload.size()));
  put16(l4, 0);
  put(l4, payload);
  store_be16(l4.data() + 6, l4_sum(e, 17, l4));
  return link_and_ip(e, 17, l4);
}

struct Segment {
  std::uint32_t seq = 1000, ack = 5000;
  std::uint8_t flags = 0x18;  ///< PSH, ACK
  Buffer options;             ///< padded by the caller to whole words
  Buffer payload;
};

inline Buffer tcp_frame(const Endpoints& e, const Segment& s) {
  Buffer l4;
  put16(l4, e.src_port);
  put16(l4, e.dst_port);
  put32(l4, s.seq);
  put32(l4, s.ack);
  put8(l4, static_cast<unsigned>((20 + s.options.size()) / 4 << 4));
  put8(l4, s.flags);
  put16(l4, 64240);
  put32(l4, 0);
  put(l4, s.options);
  put(l4, s.payload);
  store_be16(l4.data() + 16, l4_sum(e, 6, l4));
  return link_and_ip(e, 6, l4);
}

inline void put_dns_name(Buffer& b, std::string_view name) {
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    put8(b, static_cast<unsigned>(label.size()));
    put(b, label);
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  put8(b, 0);
}

struct DnsAsk {
  std::uint16_t id = 0x4711, flags = 0x0100;
  std::vector<std::string> names{"example.org"};
  std::uint16_t qtype = 1, qclass = 1;
  bool edns = false;
  std::uint16_t udp_size = 1232;
  std::uint32_t opt_ttl = 0;
  Buffer options;  ///< EDNS options
  bool tsig = false;
};

inline Buffer dns_message(const DnsAsk& ask) {
  Buffer m;
  put16(m, ask.id);
  put16(m, ask.flags);
  put16(m, static_cast<unsigned>(ask.names.size()));
  put32(m, 0);
  put16(m, (ask.edns ? 1U : 0U) + (ask.tsig ? 1U : 0U));
  for (const std::string& name : ask.names) {
    put_dns_name(m, name);
    put16(m, ask.qtype);
    put16(m, ask.qclass);
  }
  if (ask.edns) {
    put8(m, 0);
    put16(m, 41);
    put16(m, ask.udp_size);
    put32(m, ask.opt_ttl);
    put16(m, static_cast<unsigned>(ask.options.size()));
    put(m, ask.options);
  }
  if (ask.tsig) {
    put_dns_name(m, "key");
    put16(m, 250);
    put16(m, 255);
    put32(m, 0);
    put16(m, 0);
  }
  return m;
}

inline Buffer dns_query_frame(const DnsAsk& ask, const Endpoints& e = {}) {
  return udp_frame(e, dns_message(ask));
}

/// A TLS 1.3 ClientHello in one record; `padding` bytes of a padding extension stand before the server name.
inline Buffer tls_client_hello(std::string_view name, std::size_t padding = 0) {
  Buffer ext;
  if (padding > 0) {
    put16(ext, 21);
    put16(ext, static_cast<unsigned>(padding));
    ext.insert(ext.end(), padding, 0);
  }
  if (!name.empty()) {
    put16(ext, 0);
    put16(ext, static_cast<unsigned>(name.size() + 5));
    put16(ext, static_cast<unsigned>(name.size() + 3));
    put8(ext, 0);
    put16(ext, static_cast<unsigned>(name.size()));
    put(ext, name);
  }
  put16(ext, 43);
  put16(ext, 3);
  put8(ext, 2);
  put16(ext, 0x0304);
  Buffer body;
  put16(body, 0x0303);
  body.insert(body.end(), 32, 0x5a);
  put8(body, 0);
  put16(body, 2);
  put16(body, 0x1301);
  put16(body, 0x0100);
  put16(body, static_cast<unsigned>(ext.size()));
  put(body, ext);
  Buffer record{22, 3, 1};
  put16(record, static_cast<unsigned>(body.size() + 4));
  put8(record, 1);
  put8(record, 0);
  put16(record, static_cast<unsigned>(body.size()));
  put(record, body);
  return record;
}

}  // namespace sluice::test
