// Whole flows, from the first packet to the name, in bursts of 64, one core: 100,000 of them, all with a name and
// addresses of their own, through a pipeline that has seen none of them; the packets of eight flows come by turns.
// Least of five passes; `x_ack` is the time of a flow in times of a bare 64-byte ACK, 100,000 of which go before each
// pass.
#include <benchmark/benchmark.h>
#include <time.h>

#include <limits>
#include <string>

#include "tests/support/client_stream.h"
#include "tests/support/quic_sealer.h"

namespace {

using namespace sluice;
using namespace sluice::test;

constexpr unsigned kFlows = 100'000;
constexpr std::size_t kShortestFrame = 60;  ///< without the frame check sequence
constexpr unsigned kTogether = 8;           ///< flows whose packets come by turns

Endpoints client(unsigned n, std::uint16_t port) {
  Endpoints e;
  e.src = {10, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
  e.dst_port = port;
  return e;
}
std::string name_of(unsigned n) {
  return "www.site" + std::to_string(n) + ".example.com";
}

std::uint64_t cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

/// Frames in the order they come, in one stretch of memory.
class Frames {
 public:
  void add(const Buffer& frame) {
    ends_.push_back(bytes_.size() + frame.size());
    put(bytes_, frame);
  }
  [[nodiscard]] std::vector<Frame> views() const {
    std::vector<Frame> views;
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
      views.push_back({bytes_.data() + begin, static_cast<std::uint32_t>(end - begin)});
      begin = end;
    }
    return views;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }
  [[nodiscard]] std::size_t count() const { return ends_.size(); }

 private:
  Buffer bytes_;
  std::vector<std::size_t> ends_;
};

/// Nanoseconds of a pass over all frames, through a pipeline of its own; and how many names were read.
std::uint64_t pass(const PipelineRig& rules, const std::vector<Frame>& views, std::size_t& names) {
  const auto counters = std::make_unique<WorkerCounters>();
  Pipeline pipeline(rules.policy, PipelineLimits{}, 42, *counters, 0);
  const ActiveRules active{rules.rules.get(), rules.slots};
  Now now = rules.now;
  const std::uint64_t began = cpu_ns();
  for (std::size_t at = 0; at < views.size(); at += kMaxBurst) {
    pipeline.run(std::span(views).subspan(at, std::min(kMaxBurst, views.size() - at)), active, now);
    now.mono_ns += kMaxBurst * 1000;  // a million packets a second
    names += pipeline.names().size();
  }
  return cpu_ns() - began;
}

void five_passes(benchmark::internal::Benchmark* b) {
  b->UseManualTime()->Iterations(5)->Unit(benchmark::kMillisecond);
}

/// make(n): the frames of flow n.
template <class Make>
void flows(benchmark::State& state, Make&& make) {
  Frames frames, acks;
  for (unsigned n = 0; n < kFlows; n += kTogether) {
    std::vector<std::vector<Buffer>> group;
    for (unsigned k = 0; k < kTogether; ++k) group.push_back(make(n + k));
    for (std::size_t i = 0; i < group[0].size(); ++i) {
      for (const std::vector<Buffer>& flow : group) frames.add(flow[i]);
    }
    for (unsigned k = 0; k < kTogether; ++k) {
      Buffer ack = tcp_frame(client(n + k, 443), {.flags = 0x10, .options = {}, .payload = {}});
      ack.resize(kShortestFrame);
      acks.add(ack);
    }
  }
  const PipelineRig rules;
  const std::vector<Frame> views = frames.views(), bare = acks.views();
  double flows_ns = std::numeric_limits<double>::max(), acks_ns = flows_ns;
  for (auto _ : state) {
    std::size_t names = 0, none = 0;
    acks_ns = std::min(acks_ns, static_cast<double>(pass(rules, bare, none)));
    const auto ns = static_cast<double>(pass(rules, views, names));
    if (names != kFlows) state.SkipWithError("not every name was read");
    flows_ns = std::min(flows_ns, ns);
    state.SetIterationTime(ns / 1e9);
  }
  state.counters["ns_per_flow"] = flows_ns / kFlows;
  state.counters["bytes_per_flow"] = static_cast<double>(frames.bytes()) / kFlows;
  state.counters["frames_per_flow"] = static_cast<double>(frames.count()) / kFlows;
  state.counters["x_ack"] = flows_ns / acks_ns;
}

std::vector<Buffer> tcp_flow(const Endpoints& ends, const Buffer& stream, std::size_t pieces) {
  std::vector<Buffer> frames{tcp_frame(ends, {.seq = 999, .ack = 0, .flags = 2, .options = {}, .payload = {}})};
  for (std::size_t i = 0; i < pieces; ++i) {
    const std::size_t from = stream.size() * i / pieces, to = stream.size() * (i + 1) / pieces;
    Segment s;
    s.seq = 1000 + static_cast<std::uint32_t>(from);
    put(s.payload, slice_of(stream, from, to - from));
    frames.push_back(tcp_frame(ends, s));
  }
  return frames;
}

void client_hello_in_pieces(benchmark::State& state) {
  flows(state, [&](unsigned n) {
    return tcp_flow(client(n, 443), tls_client_hello(name_of(n), 1650), static_cast<std::size_t>(state.range(0)));
  });
}
BENCHMARK(client_hello_in_pieces)->Arg(1)->Arg(2)->Arg(20)->Apply(five_passes);

void quic_initials(benchmark::State& state) {
  flows(state, [&](unsigned n) {
    const auto initials = static_cast<std::size_t>(state.range(0));
    const ByteVector hello = client_hello(name_of(n), initials == 1 ? 300 : 1650);
    ByteVector id(8);
    store_be32(id.data(), n);
    std::vector<Buffer> frames;
    for (std::size_t i = 0; i < initials; ++i) {
      const std::size_t from = hello.size() * i / initials, to = hello.size() * (i + 1) / initials;
      ByteVector crypto;
      append_crypto(crypto, from, Bytes(hello).subspan(from, to - from));
      frames.push_back(udp_frame(client(n, 443), seal({.keys_from = id,
                                                       .dcid = id,
                                                       .scid = {},
                                                       .token = {},
                                                       .number = i,
                                                       .frames = crypto,
                                                       .pad_frames_to = 1160})));
    }
    return frames;
  });
}
BENCHMARK(quic_initials)->Arg(1)->Arg(2)->Apply(five_passes);

void dns_over_tcp_query(benchmark::State& state) {
  flows(state, [](unsigned n) { return tcp_flow(client(n, 53), dns_over_tcp(name_of(n)), 1); });
}
BENCHMARK(dns_over_tcp_query)->Apply(five_passes);

void http_request(benchmark::State& state) {
  flows(state, [](unsigned n) {
    const std::string head = "GET / HTTP/1.1\r\nHost: " + name_of(n) + "\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
    return tcp_flow(client(n, 80), text_bytes(head), 1);
  });
}
BENCHMARK(http_request)->Apply(five_passes);

}  // namespace
