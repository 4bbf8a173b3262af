#include <catch2/catch.hpp>

#include "tests/support/frames.h"
#include "tests/support/pipeline_rig.h"
#include "tests/support/quic_sealer.h"
#include "tests/support/reply_reader.h"

namespace sluice {
namespace {

using namespace test;

constexpr unsigned kRst = 0x04, kRstAck = 0x14, kSynFlag = 0x02, kSynAck = 0x12, kAckFlag = 0x10;

Policy copies(Mode mode = Mode::Enforce) {
  Policy policy = PipelineRig::enforcing();
  policy.mode = mode;
  policy.copies = true;
  Injection injection;
  injection.source = {2, 0xaa, 0, 0, 0, 1};
  injection.to_subscribers = {.mac = {2, 0xbb, 0, 0, 0, 1}};
  injection.to_internet = {.mac = {2, 0xcc, 0, 0, 0, 1}, .tags = 2, .vlan = {7, 9}};
  policy.paths.injection = injection;
  return policy;
}

/// A burst of copies, of either direction on one port.
void run(PipelineRig& rig, const std::vector<Buffer>& burst) {
  std::vector<Frame> frames;
  for (const Buffer& b : burst)
    frames.push_back({.data = b.data(), .len = static_cast<std::uint32_t>(b.size()), .from_by_prefix = true});
  rig.pipeline->run(frames, {rig.rules.get(), rig.slots}, rig.now);
}

ReadPacket reply(const PipelineRig& rig, std::size_t i) {
  const Reply& r = rig.pipeline->replies()[i];
  return read_reply({r.bytes.data(), r.len});
}

Endpoints https() {
  Endpoints e;
  e.dst_port = 443;
  return e;
}

Buffer bad_query(const Endpoints& e = {}) {
  DnsAsk ask;
  ask.names = {"bad.example"};
  return dns_query_frame(ask, e);
}

Segment hello(std::string_view name) {
  Segment s;
  s.payload = tls_client_hello(name);
  return s;
}

TEST_CASE("mirror: a query is answered through the next hop towards subscribers, and the copy goes nowhere") {
  PipelineRig rig(copies());
  Endpoints wrapped;
  wrapped.tags = {0x88a8, 0x8100};
  wrapped.pppoe = true;
  run(rig, {bad_query(wrapped)});
  REQUIRE(rig.pipeline->replies().size() == 1);
  CHECK(rig.pipeline->replies()[0].out == Side::Subscriber);
  const ReadPacket p = reply(rig, 0);
  CHECK(p.dst_mac == Buffer{2, 0xbb, 0, 0, 0, 1});
  CHECK(p.src_mac == Buffer{2, 0xaa, 0, 0, 0, 1});
  CHECK(p.tags.empty());
  CHECK_FALSE(p.pppoe);
  CHECK(p.dst == wrapped.src);
  CHECK(rig.hits("A-100").blocked == 1);
  CHECK(rig.counters->dropped_pkts == 0);
}

TEST_CASE("mirror: the direction of a copy is told by the subscribers' prefixes") {
  PipelineRig rig(copies());
  const Buffer up = bad_query(), down = dns_query_frame({}, Endpoints{}.reversed());
  run(rig, {down, up});
  CHECK(rig.pipeline->from(0) == Side::Internet);
  CHECK(rig.pipeline->from(1) == Side::Subscriber);
  CHECK(rig.names(Method::Dns) == 1);
  Endpoints foreign;
  foreign.src = {198, 51, 100, 1};
  run(rig, {bad_query(foreign)});
  CHECK(rig.names(Method::Dns) == 1);
  CHECK(rig.pipeline->replies().empty());
}

TEST_CASE("mirror: both ends are reset, the server behind the segment that it received") {
  PipelineRig rig(copies());
  const Segment s = hello("bad.example");
  run(rig, {tcp_frame(https(), s)});
  REQUIRE(rig.pipeline->replies().size() == 2);
  const ReadPacket client = reply(rig, 0), server = reply(rig, 1);
  CHECK(client.flags == kRstAck);
  CHECK(client.seq == s.ack);
  CHECK(rig.pipeline->replies()[1].out == Side::Internet);
  CHECK(server.dst_mac == Buffer{2, 0xcc, 0, 0, 0, 1});
  CHECK(server.tags == std::vector<std::uint16_t>{0x88a8, 0x8100});
  CHECK(server.seq == s.seq + s.payload.size());
  CHECK(server.dst == https().dst);
}

TEST_CASE("mirror: a connection that goes on is reset again, but acknowledgements and resets are left alone") {
  PipelineRig rig(copies());
  run(rig, {tcp_frame(https(), hello("bad.example"))});
  Segment later = hello("bad.example");
  later.payload = Buffer(100, 0x17);
  later.seq = 3000;
  later.ack = 9000;
  run(rig, {tcp_frame(https(), later)});
  CHECK(rig.pipeline->verdicts()[0].cause == Cause::Tombstone);
  REQUIRE(rig.pipeline->replies().size() == 2);
  CHECK(reply(rig, 0).seq == 9000);
  CHECK(reply(rig, 1).seq == 3100);
  later.flags = kRst;
  Segment ack = later;
  ack.payload.clear();
  ack.flags = kAckFlag;
  const Buffer server_data = tcp_frame(https().reversed(), hello("x"));
  run(rig, {tcp_frame(https(), later), tcp_frame(https(), ack), server_data});
  CHECK(rig.pipeline->replies().empty());
  CHECK(rig.cause(Cause::Tombstone) == 4);
  CHECK(rig.counters->dropped_pkts == 0);
}

TEST_CASE("mirror: what was injected, seen again as a copy, is not answered") {
  PipelineRig rig(copies());
  run(rig, {tcp_frame(https(), hello("bad.example")), bad_query()});
  std::vector<Buffer> own;
  for (const Reply& r : rig.pipeline->replies()) own.emplace_back(r.bytes.begin(), r.bytes.begin() + r.len);
  REQUIRE(own.size() == 3);
  run(rig, own);
  CHECK(rig.pipeline->replies().empty());
}

TEST_CASE("mirror: HTTP is answered with 451 once the handshake was seen in copies of both directions") {
  PipelineRig rig(copies());
  Endpoints e;
  e.dst_port = 80;
  Segment syn, syn_ack, request;
  syn.flags = kSynFlag;
  syn.seq = 999;
  syn_ack.flags = kSynAck;
  syn_ack.seq = 4999;
  syn_ack.ack = 1000;
  const std::string text = "GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n";
  request.payload.assign(text.begin(), text.end());
  run(rig, {tcp_frame(e, syn), tcp_frame(e.reversed(), syn_ack), tcp_frame(e, request)});
  REQUIRE(rig.pipeline->replies().size() == 2);
  const ReadPacket p = reply(rig, 0);
  CHECK(std::string(p.payload.begin(), p.payload.end()).starts_with("HTTP/1.1 451 "));
}

TEST_CASE("mirror: a blocked QUIC handshake is counted as what cannot be stopped, in enforce only") {
  const ByteVector crypto = client_hello("www.bad.example", 0);
  InitialToSeal initial;
  initial.keys_from = initial.dcid = {1, 2, 3, 4, 5, 6, 7, 8};
  append_crypto(initial.frames, 0, crypto);
  initial.pad_frames_to = 1180;
  for (const Mode mode : {Mode::Enforce, Mode::Observe}) {
    PipelineRig rig(copies(mode));
    run(rig, {udp_frame(https(), seal(initial))});
    CHECK(rig.cause(Cause::MirrorQuic) == (mode == Mode::Enforce ? 1 : 0));
    CHECK(rig.hits("A-100").blocked == 0);
    CHECK(rig.hits("A-100").observed == 1);
    CHECK(rig.pipeline->replies().empty());
    CHECK(rig.pipeline->verdicts()[0].fate == Fate::Forward);
  }
}

TEST_CASE("mirror: a copy in a tunnel is answered as plain IP, but only where the tunnel is believed") {
  const Buffer query = bad_query();
  const Buffer network(query.begin() + 14, query.end());
  const Buffer labelled = ethernet(0x8847, mpls(17, true, network));
  const Buffer spanned =
      ethernet(0x0800, ipv4(47, test::join({be16(0x1000), be16(0x88be), be32(1), be32(0), be32(0), query})));
  PipelineRig strict(copies());
  run(strict, {labelled, spanned});
  CHECK(strict.names(Method::Dns) == 2);
  CHECK(strict.pipeline->replies().empty());
  CHECK(strict.cause(Cause::ReplyOneWay) == 2);

  Policy policy = copies();
  WayBack labels, spans;
  labels.tunnel = Tunnel::Mpls;
  spans.tunnel = Tunnel::Erspan;
  spans.from = {10, 0, 0, 1};
  spans.to = {192, 0, 2, 53};
  policy.paths.ways_back = WaysBack({labels, spans});
  PipelineRig rig(policy);
  run(rig, {labelled, spanned});
  REQUIRE(rig.pipeline->replies().size() == 2);
  for (const std::size_t i : {0, 1}) CHECK(reply(rig, i).dst == Endpoints{}.src);
}

TEST_CASE("mirror: what is not answered inline is not answered in a copy either") {
  PipelineRig rig(copies());
  Endpoints foreign;
  foreign.src = {198, 51, 100, 1};
  const Buffer query = bad_query(foreign);
  rig.run({query});  // the port says subscriber, the prefixes do not
  CHECK(rig.pipeline->replies().empty());
  CHECK(rig.cause(Cause::ReplyNotSubscriber) == 1);
  Endpoints group;
  group.dst = {224, 0, 0, 251};
  run(rig, {bad_query(group)});
  CHECK(rig.pipeline->replies().empty());
}

}  // namespace
}  // namespace sluice
