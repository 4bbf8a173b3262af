// Whole connections, from SYN to verdict, in bursts of 64, one core: time per connection. 2048 of them in turn, all
// distinct; a connection's segments follow each other.
#include <benchmark/benchmark.h>

#include <string>

#include "tests/support/client_stream.h"

namespace {

using namespace sluice;
using namespace sluice::test;

constexpr unsigned kConnections = 2048;

Endpoints client(unsigned n, std::uint16_t port) {
  Endpoints e;
  e.src = {10, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n), 3};
  e.dst_port = port;
  return e;
}

void add_connection(std::vector<Buffer>& frames, const Endpoints& e, const Buffer& stream, std::size_t pieces) {
  frames.push_back(tcp_frame(e, {.seq = 999, .ack = 0, .flags = 2, .options = {}, .payload = {}}));
  const std::size_t size = (stream.size() + pieces - 1) / pieces;
  for (std::size_t at = 0; at < stream.size(); at += size) {
    Segment s;
    s.seq = 1000 + static_cast<std::uint32_t>(at);
    put(s.payload, slice_of(stream, at, size));
    frames.push_back(tcp_frame(e, s));
  }
}

template <class Make>
void connections(benchmark::State& state, std::uint16_t port, std::size_t pieces, Make&& make) {
  std::vector<Buffer> frames;
  for (unsigned n = 0; n < kConnections; ++n) {
    add_connection(frames, client(n, port), make("www.site" + std::to_string(n) + ".example.com"), pieces);
  }
  std::vector<Frame> views;
  for (const Buffer& f : frames) views.push_back({f.data(), static_cast<std::uint32_t>(f.size())});
  const PipelineRig rig(PipelineRig::enforcing(), PipelineRig::example_feeds(), PipelineLimits{});
  const ActiveRules rules{rig.rules.get(), rig.slots};
  for (auto _ : state) {
    for (std::size_t at = 0; at < views.size(); at += kMaxBurst) {
      rig.pipeline->run(std::span(views).subspan(at, std::min(kMaxBurst, views.size() - at)), rules, rig.now);
    }
    benchmark::DoNotOptimize(rig.pipeline->verdicts().data());
  }
  state.SetItemsProcessed(state.iterations() * kConnections);
  state.counters["per_connection"] = benchmark::Counter(static_cast<double>(state.iterations()) * kConnections,
                                                        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

Buffer hello(const std::string& name) {
  return tls_client_hello(name, 1400);
}
void client_hello_in_pieces(benchmark::State& state) {
  connections(state, 443, static_cast<std::size_t>(state.range(0)), hello);
}
BENCHMARK(client_hello_in_pieces)->Arg(1)->Arg(2)->Arg(20)->Unit(benchmark::kMillisecond);

void dns_over_tcp_query(benchmark::State& state) {
  connections(state, 53, 1, [](const std::string& name) { return dns_over_tcp(name); });
}
BENCHMARK(dns_over_tcp_query)->Unit(benchmark::kMillisecond);

void http_request(benchmark::State& state) {
  connections(state, 80, 1, [](const std::string& name) {
    return text_bytes("GET / HTTP/1.1\r\nHost: " + name + "\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n");
  });
}
BENCHMARK(http_request)->Unit(benchmark::kMillisecond);

}  // namespace
