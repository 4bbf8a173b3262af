// One frame, message or stream parsed over and over: what the code costs with its bytes in cache.
#include <benchmark/benchmark.h>

#include <memory>

#include "dataplane/dns/query.h"
#include "dataplane/packet/fragments.h"
#include "dataplane/packet/parse.h"
#include "dataplane/tls/client_hello.h"
#include "tests/support/messages.h"

using namespace sluice;
using namespace sluice::test;

namespace {

void parse(benchmark::State& state, const Octets& frame) {
  PacketView view;
  for (auto _ : state) {
    benchmark::DoNotOptimize(frame.data());
    parse_packet(frame, LinkType::Ethernet, view);
    benchmark::DoNotOptimize(&view);
    benchmark::ClobberMemory();
  }
  if (view.cause != Cause::None) state.SkipWithError("not parsed");
}

const Octets kDns = dns_query("www.news.example.org");
const Octets kUdp = udp(4000, 53, kDns);
const Octets kTcp = tcp(4000, 443, Octets(100, 7), {.options = Octets(12, 1)});

BENCHMARK_CAPTURE(parse, ipv4_tcp, ethernet(0x0800, ipv4(6, kTcp)));
BENCHMARK_CAPTURE(parse, ipv4_udp, ethernet(0x0800, ipv4(17, kUdp)));
BENCHMARK_CAPTURE(parse, ipv6_udp, ethernet(0x86dd, ipv6(17, kUdp)));
BENCHMARK_CAPTURE(parse, qinq_pppoe_ipv4_tcp, ethernet(0x88a8, vlan(0x8100, vlan(0x8864, pppoe(0x21, ipv4(6, kTcp))))));
BENCHMARK_CAPTURE(parse, ipv6_three_extensions,
                  ethernet(0x86dd, ipv6(0, extension(60, extension(60, extension(17, kUdp))))));
BENCHMARK_CAPTURE(parse, gtp_u,
                  ethernet(0x0800,
                           ipv4(17, udp(2152, 2152,
                                        join({{0x30, 0xff}, be16(ipv4(6, kTcp).size()), be32(7), ipv4(6, kTcp)})))));

/// A datagram of 1600 bytes in two fragments, each with an id of its own, so that every one takes a new place.
void put_together(benchmark::State& state) {
  const Octets datagram = udp(4000, 53, Octets(1592, 7));
  const auto middle = datagram.begin() + 1480;
  Octets head = ethernet(0x0800, ipv4(17, Octets(datagram.begin(), middle), {.flags_and_offset = 0x2000}));
  Octets tail = ethernet(0x0800, ipv4(17, Octets(middle, datagram.end()), {.flags_and_offset = 1480 / 8}));
  Fragments fragments({}, 1);
  Octets buffer(fragments.buffer_bytes());
  PacketView view;
  PacketView out;
  for (std::uint16_t id = 0; auto _ : state) {
    ++id;
    for (Octets* frame : {&head, &tail}) {
      store_be16(&(*frame)[14 + 4], id);
      parse_packet(*frame, LinkType::Ethernet, view);
      fragments.add(view, 1, buffer, out);
    }
  }
  if (out.cause != Cause::None) state.SkipWithError("not complete");
}
BENCHMARK(put_together);

void query(benchmark::State& state, const Octets& message) {
  const auto out = std::make_unique<DnsQuery>();
  Cause cause{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(message.data());
    benchmark::DoNotOptimize(cause = parse_dns_query(message, 0, *out));
    benchmark::ClobberMemory();
  }
  if (cause != Cause::None) state.SkipWithError("not parsed");
}
BENCHMARK_CAPTURE(query, plain, kDns);
BENCHMARK_CAPTURE(query, edns_cookie,
                  join({dns_header(1, 1), dns_question("www.news.example.org"),
                        dns_opt(1232, true, dns_option(10, Octets(8, 1)))}));

void hello(benchmark::State& state, const Octets& stream) {
  const auto out = std::make_unique<ClientHello>();
  Cause cause{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(stream.data());
    benchmark::DoNotOptimize(cause = read_client_hello(stream, *out));
    benchmark::ClobberMemory();
  }
  if (cause != Cause::None) state.SkipWithError("not read");
}
BENCHMARK_CAPTURE(hello, one_record, tls_records(client_hello("www.news.example.org")));
BENCHMARK_CAPTURE(hello, post_quantum, tls_records(client_hello("www.news.example.org", 1216)));
BENCHMARK_CAPTURE(hello, records_of_64_bytes, tls_records(client_hello("www.news.example.org"), 64));

}  // namespace

BENCHMARK_MAIN();
