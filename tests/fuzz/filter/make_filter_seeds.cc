// Seeds of the pipeline fuzzer, in its own format (pipeline.cc), of tcp_streams, dns_tcp, http_stream and flow_half.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/client_stream.h"

using namespace sluice::test;

namespace {

struct Seed {
  Buffer bytes;
  explicit Seed(unsigned policy) { put8(bytes, policy); }
  Seed& frame(const Buffer& f, unsigned how = 0) {
    put8(bytes, how);
    put16(bytes, static_cast<unsigned>(f.size()));
    put(bytes, f);
    return *this;
  }
};

Buffer part(const Segment& whole, const Endpoints& e, std::size_t from, std::size_t n) {
  Segment s = whole;
  s.seq += static_cast<std::uint32_t>(from);
  s.payload.assign(whole.payload.begin() + static_cast<std::ptrdiff_t>(from),
                   whole.payload.begin() + static_cast<std::ptrdiff_t>(from + n));
  return tcp_frame(e, s);
}

/// A seed of tcp_streams: a step is a stream with flags, an offset and a length in eights.
struct Steps {
  Buffer bytes{0};
  Steps& step(unsigned stream, unsigned at = 0, unsigned eights = 255) {
    ++bytes[0];
    put8(bytes, stream);
    put16(bytes, at);
    put8(bytes, eights);
    return *this;
  }
};

void write(const std::string& path, const Buffer& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  for (const std::uint8_t b : bytes) out.put(static_cast<char>(b));
}

/// A seed of dns_tcp or http_stream: `pieces` pieces of `size` bytes, in order or reversed.
Buffer cut_seed(unsigned pieces, unsigned size, bool reversed, const Buffer& stream) {
  Buffer seed;
  put8(seed, pieces);
  for (unsigned i = 1; i <= pieces; ++i) {
    put16(seed, i * size);
    put8(seed, reversed ? 127 - i : 128 + i);
  }
  put(seed, stream);
  return seed;
}

void write_cut_seeds(const std::string& top) {
  Buffer queries;
  for (const char* name : {"www.bad.example", "fine.example", "a.b.c.example"}) {
    DnsAsk ask;
    ask.names = {name};
    ask.edns = true;
    put(queries, dns_over_tcp(ask));
  }
  const Buffer requests =
      joined({text_bytes("GET /a HTTP/1.1\r\nHost: bad.example:80\r\nContent-Length: 4\r\n\r\nbody"),
              text_bytes("CONNECT www.example.org:443 HTTP/1.0\r\n\r\n"), tls_client_hello("fine.example")});
  for (const bool reversed : {false, true}) {
    const std::string order = reversed ? "reversed" : "in_order";
    write(top + "/dns_tcp/" + order, cut_seed(12, 9, reversed, queries));
    write(top + "/http_stream/" + order, cut_seed(12, 9, reversed, requests));
  }
  write(top + "/http_stream/absolute", cut_seed(3, 5, false, text_bytes("HEAD http://x@bad.example/ HTTP/1.1\n\n")));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string top = argv[1];
  DnsAsk ask;
  ask.names = {"www.bad.example"};
  ask.edns = true;
  for (unsigned policy = 0; policy < 5; ++policy) {
    Seed seed(policy);
    seed.frame(dns_query_frame(ask)).frame(dns_query_frame(ask, Endpoints::v6()));
    write(top + "/pipeline/dns_" + std::to_string(policy), seed.bytes);
  }
  DnsAsk several;
  several.names = {"fine.example", "own.example", "bad.example"};
  Endpoints tagged;
  tagged.tags = {0x88a8, 0x8100};
  tagged.pppoe = true;
  write(top + "/pipeline/dns_tagged", Seed(0).frame(dns_query_frame(several, tagged)).bytes);

  Endpoints e;
  e.dst_port = 443;
  Segment hello;
  hello.payload = tls_client_hello("bad.example", 300);
  const std::size_t half = 200, rest = hello.payload.size() - half;
  const Buffer syn = tcp_frame(e, {.seq = 999, .ack = 0, .flags = 2, .options = {}, .payload = {}});
  const Buffer syn_ack = tcp_frame(e.reversed(), {.seq = 4999, .ack = 1000, .flags = 18, .options = {}, .payload = {}});
  write(top + "/pipeline/tls_whole", Seed(0x10).frame(tcp_frame(e, hello)).frame(tcp_frame(e, hello), 2).bytes);
  write(top + "/pipeline/tls_split", Seed(0x00)
                                         .frame(syn)
                                         .frame(syn_ack, 1)
                                         .frame(part(hello, e, half, rest), 2)
                                         .frame(part(hello, e, 0, half), 2)
                                         .bytes);
  Segment request;
  put(request.payload, "GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n");
  write(top + "/pipeline/http_451", Seed(0x40)
                                        .frame(syn, 2)
                                        .frame(syn_ack, 3)
                                        .frame(tcp_frame(e, request), 2)
                                        .frame(tcp_frame(e.reversed(), {}), 3)
                                        .bytes);
  write(top + "/flow_half/in_order", {0, 0, 0, 50, 1, 0, 0, 200, 50, 2});
  write(top + "/flow_half/overlaps", {0, 0, 100, 50, 1, 0, 0, 0, 200, 9, 1, 0xff, 0xf0, 60, 3});

  constexpr unsigned kSyn = 8, kSynAck = 16, kBurst = 32;
  for (unsigned stream = 0; stream < 8; ++stream) {
    Steps forward, backward;
    forward.step(stream | kSyn).step(stream | kSynAck);
    backward.step(stream | kSyn);
    for (unsigned i = 0; i <= 40; ++i) forward.step(stream, i * 97, 12);
    for (unsigned i = 0; i <= 40; ++i) backward.step(stream, (40 - i) * 97, 12);
    write(top + "/tcp_streams/in_order_" + std::to_string(stream), forward.bytes);
    write(top + "/tcp_streams/reversed_" + std::to_string(stream), backward.bytes);
  }
  write_cut_seeds(top);
  Steps flood, other;
  for (unsigned i = 0; i < 200; ++i) flood.step(i % 8 | kBurst, i * 50, 20);
  write(top + "/tcp_streams/flood", flood.bytes);
  other.step(0 | kSyn).step(0, 0, 3).step(0, 25, 9);
  put(other.bytes, "GET / HTTP/1.1\r\nHost: x.example\r\n\r\n");
  write(top + "/tcp_streams/request_over_it", other.bytes);
  return 0;
}
