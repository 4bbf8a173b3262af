#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/made_packets.h"

namespace sluice::test {

/// A reader of the packets that Sluice makes, written apart from the product's parsers. Throws where a length, a type
/// or a checksum is wrong.
struct ReadPacket {
  Buffer dst_mac, src_mac;
  std::vector<std::uint16_t> tags;
  bool pppoe = false, ipv6 = false;
  std::uint8_t ttl = 0, proto = 0;
  Buffer src, dst;
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0;
  Buffer options, payload;
  std::size_t ip_bytes = 0;
};

inline void must(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

inline Buffer slice(Bytes b, std::size_t at, std::size_t n) {
  must(at + n <= b.size(), "frame is too short");
  return Buffer(b.begin() + static_cast<std::ptrdiff_t>(at), b.begin() + static_cast<std::ptrdiff_t>(at + n));
}

inline std::uint16_t at16(Bytes b, std::size_t at) {
  must(at + 2 <= b.size(), "frame is too short");
  return static_cast<std::uint16_t>(b[at] << 8 | b[at + 1]);
}
inline std::uint32_t at32(Bytes b, std::size_t at) {
  return std::uint32_t{at16(b, at)} << 16 | at16(b, at + 2);
}

inline ReadPacket read_reply(Bytes f) {
  ReadPacket p;
  p.dst_mac = slice(f, 0, 6);
  p.src_mac = slice(f, 6, 6);
  std::size_t at = 12;
  while (at16(f, at) == 0x8100 || at16(f, at) == 0x88a8) {
    p.tags.push_back(at16(f, at));
    at += 4;
  }
  std::uint16_t type = at16(f, at);
  at += 2;
  if (type == 0x8864) {
    p.pppoe = true;
    must(at16(f, at + 4) == f.size() - at - 6, "PPPoE length");
    type = at16(f, at + 6) == 0x57 ? 0x86dd : 0x0800;
    at += 8;
  }
  must(type == 0x0800 || type == 0x86dd, "EtherType");
  p.ipv6 = type == 0x86dd;
  p.ip_bytes = f.size() - at;
  std::size_t l4 = at + 40;
  if (p.ipv6) {
    must(f[at] >> 4 == 6 && at16(f, at + 4) + 40U == p.ip_bytes, "IPv6 header");
    p.proto = f[at + 6];
    p.ttl = f[at + 7];
    p.src = slice(f, at + 8, 16);
    p.dst = slice(f, at + 24, 16);
  } else {
    l4 = at + 20;
    must(f[at] == 0x45 && at16(f, at + 2) == p.ip_bytes, "IPv4 header");
    must(rfc1071(slice(f, at, 20)) == 0, "IPv4 checksum");
    p.ttl = f[at + 8];
    p.proto = f[at + 9];
    p.src = slice(f, at + 12, 4);
    p.dst = slice(f, at + 16, 4);
  }
  const Buffer segment = slice(f, l4, f.size() - l4);
  Endpoints ends;
  ends.src = p.src;
  ends.dst = p.dst;
  must(l4_sum(ends, p.proto, segment) == 0, "TCP or UDP checksum");
  p.src_port = at16(segment, 0);
  p.dst_port = at16(segment, 2);
  if (p.proto == 17) {
    must(at16(segment, 4) == segment.size(), "UDP length");
    must(at16(segment, 6) != 0, "UDP without a checksum");
    p.payload = slice(segment, 8, segment.size() - 8);
  } else {
    must(p.proto == 6, "protocol");
    p.seq = at32(segment, 4);
    p.ack = at32(segment, 8);
    const std::size_t header = (segment.at(12) >> 4) * 4U;
    p.flags = segment.at(13);
    p.options = slice(segment, 20, header - 20);
    p.payload = slice(segment, header, segment.size() - header);
  }
  return p;
}

struct ReadRecord {
  std::string name;
  std::uint16_t type = 0, rclass = 0;
  std::uint32_t ttl = 0;
  Buffer data;
};
struct ReadDns {
  std::uint16_t id = 0, flags = 0;
  std::vector<std::string> questions;  ///< names as written
  std::vector<std::uint16_t> qtypes;
  std::vector<ReadRecord> answer, authority, additional;
  [[nodiscard]] unsigned rcode() const { return flags & 15U; }
};

inline std::string read_name(Bytes m, std::size_t& at) {
  std::string name;
  std::size_t here = at;
  bool jumped = false;
  for (int hops = 0; hops < 200; ++hops) {
    must(here < m.size(), "name is cut");
    const unsigned n = m[here];
    if (n >= 0xc0) {
      if (!jumped) at = here + 2;
      jumped = true;
      here = at16(m, here) & 0x3fffU;
      continue;
    }
    if (!jumped) at = here + 1 + n;
    if (n == 0) return name;
    const Buffer label = slice(m, here + 1, n);
    name += std::string(label.begin(), label.end()) + ".";
    here += 1 + n;
  }
  throw std::runtime_error("name without end");
}

inline ReadDns read_dns(Bytes m) {
  ReadDns d;
  d.id = at16(m, 0);
  d.flags = at16(m, 2);
  std::size_t at = 12;
  for (unsigned i = 0; i < at16(m, 4); ++i) {
    d.questions.push_back(read_name(m, at));
    d.qtypes.push_back(at16(m, at));
    at += 4;
  }
  const auto records = [&](unsigned count, std::vector<ReadRecord>& out) {
    for (unsigned i = 0; i < count; ++i) {
      ReadRecord r;
      r.name = read_name(m, at);
      r.type = at16(m, at);
      r.rclass = at16(m, at + 2);
      r.ttl = at32(m, at + 4);
      r.data = slice(m, at + 10, at16(m, at + 8));
      at += 10 + r.data.size();
      out.push_back(r);
    }
  };
  records(at16(m, 6), d.answer);
  records(at16(m, 8), d.authority);
  records(at16(m, 10), d.additional);
  must(at == m.size(), "bytes behind the last record");
  return d;
}

}  // namespace sluice::test
