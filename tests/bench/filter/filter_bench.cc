// From the frame to the verdict, in bursts of 64, one core. Rules: a million names.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "dataplane/packet/parse.h"
#include "dataplane/reply/dns_answer.h"
#include "tests/support/pipeline_rig.h"

namespace {

using namespace sluice;
using namespace sluice::test;

std::vector<Feed> many_names() {
  std::vector<Target> targets;
  for (unsigned n = 0; n < 1'000'000; ++n)
    targets.push_back(subtree("host" + std::to_string(n * 7919U) + ".blocked.example"));
  targets.push_back(subtree("bad.example"));
  return {feed("authority/list", {}, {block("A-100", std::move(targets))})};
}

PipelineRig& rig() {
  static PipelineRig made(PipelineRig::enforcing(), many_names(), PipelineLimits{});
  return made;
}

/// As many distinct frames as keep the caches honest: 4096.
template <class Make>
void run(benchmark::State& state, Make&& make) {
  std::vector<Buffer> frames;
  std::vector<Frame> views;
  for (unsigned n = 0; n < 4096; ++n) frames.push_back(make(n));
  for (const Buffer& f : frames) views.push_back({f.data(), static_cast<std::uint32_t>(f.size())});
  PipelineRig& r = rig();
  r.pipeline = std::make_unique<Pipeline>(r.policy, PipelineLimits{}, 42, *r.counters, 0);
  const ActiveRules rules{r.rules.get(), r.slots};
  std::size_t at = 0;
  for (auto _ : state) {
    r.pipeline->run(std::span(views).subspan(at, kMaxBurst), rules, r.now);
    benchmark::DoNotOptimize(r.pipeline->verdicts().data());
    at = (at + kMaxBurst) % views.size();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kMaxBurst));
}

Endpoints client(unsigned n, std::uint16_t port) {
  Endpoints e;
  e.src = {10, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n), 3};
  e.dst_port = port;
  return e;
}

void dns_allowed(benchmark::State& state) {
  run(state, [](unsigned n) {
    DnsAsk ask;
    ask.names = {"www.site" + std::to_string(n) + ".example.com"};
    ask.edns = true;
    return dns_query_frame(ask, client(n, 53));
  });
}
BENCHMARK(dns_allowed);

void dns_blocked_and_answered(benchmark::State& state) {
  run(state, [](unsigned n) {
    DnsAsk ask;
    ask.names = {"www.site" + std::to_string(n) + ".bad.example"};
    ask.edns = true;
    return dns_query_frame(ask, client(n, 53));
  });
}
BENCHMARK(dns_blocked_and_answered);

void client_hello_allowed(benchmark::State& state) {
  run(state, [](unsigned n) {
    Segment s;
    s.payload = tls_client_hello("www.site" + std::to_string(n) + ".example.com", 300);
    return tcp_frame(client(n, 443), s);
  });
}
BENCHMARK(client_hello_allowed);

void tcp_ack_64_bytes(benchmark::State& state) {
  run(state, [](unsigned n) { return tcp_frame(client(n, 443), {.flags = 0x10, .options = {}, .payload = {}}); });
}
BENCHMARK(tcp_ack_64_bytes);

void tcp_data_upstream(benchmark::State& state) {
  run(state, [](unsigned n) {
    Segment s;
    s.payload.assign(200, 0x17);
    return tcp_frame(client(n, 443), s);
  });
}
BENCHMARK(tcp_data_upstream);

void nodata_built(benchmark::State& state) {
  DnsAsk ask;
  ask.names = {"www.bad.example"};
  ask.edns = true;
  const Buffer frame = dns_query_frame(ask);
  PacketView view;
  parse_packet(frame, LinkType::Ethernet, view);
  DnsQuery query;
  if (parse_dns_query(view.payload_bytes(), 0, query) != Cause::None) return state.SkipWithError("query");
  const DnsAnswerText text{"NCCIA-2026-00481", "https://appeals.example.pk/", "Authority", "Reason"};
  std::array<std::uint8_t, kMaxReplyBytes> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(build_dns_answer(view, query, 0, {}, text, {}, out));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(nodata_built);

}  // namespace

BENCHMARK_MAIN();
