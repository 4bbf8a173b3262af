// Random traffic, most of it spoofed: what goes back never outweighs what came.
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/support/allocations.h"
#include "tests/support/pipeline_rig.h"
#include "tests/support/reply_reader.h"

namespace sluice {
namespace {

using namespace test;

class Traffic {
 public:
  explicit Traffic(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }

  Buffer frame() {
    Endpoints e = one_in(3) ? Endpoints::v6() : Endpoints{};
    e.src[e.ipv6 ? 5 : 2] = static_cast<std::uint8_t>(below(6));  // a few prefixes
    e.src.back() = static_cast<std::uint8_t>(random_());
    e.src_port = static_cast<std::uint16_t>(1024 + below(40));
    if (one_in(10)) e.src[0] = 99;  // no subscriber
    if (one_in(8)) e.tags = {0x8100};
    if (one_in(8)) e.pppoe = true;
    if (one_in(2)) return dns_query_frame(ask(), e);
    e.dst_port = one_in(2) ? 443 : 80;
    Segment s{
        .seq = 1000, .ack = 5000, .flags = static_cast<std::uint8_t>(random_() & 0x1b), .options = {}, .payload = {}};
    if (one_in(2)) s.options = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
    s.payload = message();
    if (one_in(3)) {
      const std::size_t cut = below(s.payload.size());
      s.seq += static_cast<std::uint32_t>(cut);
      s.payload.erase(s.payload.begin(), s.payload.begin() + static_cast<std::ptrdiff_t>(cut));
      if (one_in(2)) s.payload.resize(1 + below(s.payload.size()));
    }
    return tcp_frame(e, s);
  }

 private:
  std::string name() { return one_in(2) ? "bad.example" : one_in(2) ? "own.example" : "fine.example"; }
  DnsAsk ask() {
    DnsAsk a;
    a.names.assign(1 + below(3), name());
    a.edns = one_in(2);
    a.udp_size = static_cast<std::uint16_t>(random_());
    static constexpr std::array<std::uint16_t, 4> kTypes{1, 28, 65, 16};
    a.qtype = kTypes[below(4)];
    return a;
  }
  Buffer message() {
    if (one_in(2)) return tls_client_hello(name(), below(900));
    Buffer request;
    put(request, "GET / HTTP/1.1\r\nHost: " + name() + "\r\n\r\n");
    return request;
  }

  std::mt19937 random_;
};

Policy random_policy(unsigned round) {
  Policy policy = PipelineRig::enforcing();
  policy.dns = static_cast<DnsAction>(round % 5);
  policy.tls = static_cast<TcpAction>(round % 3);
  policy.http = static_cast<TcpAction>(round / 3 % 3);
  policy.credit_bytes = round % 2 == 0 ? 0 : 500;
  policy.credit_bytes_per_s = round % 3 == 0 ? 0 : 20;
  policy.sinkhole4 = {192, 0, 2, 1};
  return policy;
}

TEST_CASE(
    "filter: never a weapon: replies go to subscribers only and never outweigh what came, by prefix and by trigger") {
  for (unsigned round = 0; round < 12; ++round) {
    PipelineRig rig(random_policy(round));
    Traffic traffic(round);
    std::map<Buffer, std::uint64_t> dns_in, dns_out;
    const std::uint64_t start_ns = rig.now.mono_ns;
    std::size_t dropped = 0, replies = 0;
    for (int burst = 0; burst < 300; ++burst) {
      std::vector<Buffer> frames(1 + traffic.below(kMaxBurst));
      for (Buffer& f : frames) f = traffic.frame();
      const std::vector<Buffer> before = frames;
      rig.run(frames);
      REQUIRE(frames == before);
      for (std::size_t i = 0; i < frames.size(); ++i) {
        const PacketView& view = rig.pipeline->views()[i];
        const Buffer prefix = slice(view.src(), 0, view.ipv6 ? 6 : 3);
        if (view.proto == IpProto::Udp) dns_in[prefix] += frames[i].size() - view.l3;
        dropped += rig.pipeline->verdicts()[i].fate == Fate::Drop;
      }
      for (const Reply& r : rig.pipeline->replies()) {
        const PacketView& view = rig.pipeline->views()[r.frame];
        const ReadPacket p = read_reply({r.bytes.data(), r.len});
        CHECK(rig.pipeline->verdicts()[r.frame].fate == Fate::Drop);
        ++replies;
        if (p.proto == 17) {
          CHECK(r.out == Side::Subscriber);
          dns_out[slice(p.dst, 0, p.ipv6 ? 6 : 3)] += p.ip_bytes;
        } else {
          // No handshake is ever complete here.
          CHECK(p.ip_bytes <= frames[r.frame].size() - view.l3);
        }
        if (r.out == Side::Subscriber) {
          CHECK(rig.policy.is_subscriber(p.dst));
          CHECK(p.dst == slice(view.src(), 0, view.src().size()));
        } else {
          CHECK(p.dst == slice(view.dst(), 0, view.dst().size()));
          CHECK(p.payload.empty());
        }
      }
      rig.now.mono_ns += 10'000'000;
    }
    const std::uint64_t seconds = (rig.now.mono_ns - start_ns) / 1'000'000'000 + 1;
    const std::uint64_t credit = rig.policy.credit_bytes + seconds * rig.policy.credit_bytes_per_s;
    for (const auto& [prefix, bytes] : dns_out) CHECK(bytes <= dns_in[prefix] + credit);
    CHECK(rig.counters->dropped_pkts == dropped);
    CHECK(dropped > 0);
    if (rig.policy.dns != DnsAction::Drop) CHECK(replies > 0);
  }
}

TEST_CASE("filter: the totals of orders and methods agree with the verdicts") {
  for (const Mode mode : {Mode::Enforce, Mode::Observe}) {
    Policy policy = PipelineRig::enforcing();
    policy.mode = mode;
    PipelineRig rig(policy);
    Traffic traffic(77);
    std::map<std::uint32_t, std::uint64_t> dns_by_order;
    for (int burst = 0; burst < 200; ++burst) {
      std::vector<Buffer> frames(kMaxBurst);
      for (Buffer& f : frames) f = traffic.frame();
      rig.run(frames);
      for (std::size_t i = 0; i < frames.size(); ++i) {
        const Verdict& v = rig.pipeline->verdicts()[i];
        if (v.order != kNoOrder && rig.pipeline->views()[i].proto == IpProto::Udp) ++dns_by_order[v.order];
      }
    }
    std::uint64_t dns = 0, all = 0, by_method = 0;
    for (const auto& [order, n] : dns_by_order) dns += n;
    const auto& methods = mode == Mode::Enforce ? rig.counters->blocked : rig.counters->observed;
    for (const Counter& n : methods) by_method += n;
    for (const std::uint32_t slot : rig.slots) {
      const OrderHits& hits = rig.counters->orders[slot];
      all += mode == Mode::Enforce ? hits.blocked : hits.observed;
      CHECK((mode == Mode::Enforce ? hits.observed : hits.blocked) == 0);
    }
    CHECK(dns > 100);
    CHECK(methods[static_cast<std::size_t>(Method::Dns)] == dns);
    CHECK(all == by_method);
    CHECK(rig.counters->orders[0].blocked == 0);
  }
}

TEST_CASE("filter: a million packets of mixed traffic allocate nothing") {
  Traffic traffic(5);
  std::vector<Buffer> frames(4096);
  for (Buffer& f : frames) f = traffic.frame();
  std::vector<Frame> views;
  for (const Buffer& f : frames) {
    views.push_back(
        {f.data(), static_cast<std::uint32_t>(f.size()), traffic.one_in(4) ? Side::Internet : Side::Subscriber});
  }
  PipelineRig rig;
  const ActiveRules rules{rig.rules.get(), rig.slots};
  const std::uint64_t before = allocations();
  for (std::size_t sent = 0; sent < 1'000'000; sent += kMaxBurst) {
    rig.pipeline->run(std::span(views).subspan(sent % frames.size(), kMaxBurst), rules, rig.now);
    rig.now.mono_ns += 5'000'000;
  }
  CHECK(allocations() == before);
  CHECK(rig.counters->dropped_pkts > 0);
}

}  // namespace
}  // namespace sluice
