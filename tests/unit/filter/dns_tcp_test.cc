#include <catch2/catch.hpp>

#include "tests/support/client_stream.h"
#include "tests/support/reply_reader.h"

namespace sluice {
namespace {

using namespace test;
using Names = std::vector<std::string>;

ReadPacket reply(const PipelineRig& rig, std::size_t i) {
  const Reply& r = rig.pipeline->replies()[i];
  return read_reply({r.bytes.data(), r.len});
}

TEST_CASE("filter: DNS over TCP is read message by message, however it is split") {
  const Buffer all = joined({dns_over_tcp("a.example"), dns_over_tcp("b.example"), dns_over_tcp("c.example")});
  const Names expected{"a.example", "b.example", "c.example"};
  for (std::size_t cut = 1; cut <= all.size(); ++cut) {
    PipelineRig rig;
    ClientStream dns(rig, 53);
    dns.shake_hands();
    for (std::size_t at = 0; at < all.size(); at += cut) dns.send(slice_of(all, at, cut));
    CHECK(dns.names() == expected);
    CHECK(rig.names(Method::Dns) == 3);
    CHECK(rig.cause(Cause::DnsTruncated) == 0);
  }
}

TEST_CASE("filter: queries over TCP that are sent again, in other segments, are given once") {
  const Buffer a = dns_over_tcp("a.example"), b = dns_over_tcp("b.example"), c = dns_over_tcp("a.example");
  PipelineRig rig;
  ClientStream dns(rig, 53);
  dns.shake_hands();
  dns.send(a);
  dns.send(b);
  dns.send_at(0, joined({a, b}));
  dns.send_at(static_cast<std::uint32_t>(a.size()), joined({b, c}));
  CHECK(dns.names() == Names{"a.example", "b.example", "a.example"});
}

TEST_CASE("filter: without a start, a segment that begins with a query over TCP is one, in whole or in part") {
  const Buffer a = dns_over_tcp("a.example"), b = dns_over_tcp("b.example");
  PipelineRig rig;
  ClientStream dns(rig, 53);
  dns.send(slice_of(a, 0, 2));
  dns.send(slice_of(a, 2, 100));
  dns.send(b);
  CHECK(dns.names() == Names{"a.example", "b.example"});
  Policy strict = PipelineRig::enforcing();
  strict.read_unstarted = false;
  PipelineRig blind(strict);
  ClientStream late(blind, 53);
  CHECK(late.send(a).cause == Cause::NoStartSeen);
  CHECK(late.names().empty());
}

TEST_CASE("filter: the first query of a TCP stream is answered, with FIN, and the server is reset") {
  DnsAsk ask;
  ask.names = {"www.bad.example"};
  ask.edns = true;
  const Buffer query = dns_over_tcp(ask);
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{20}}) {
    PipelineRig rig;
    ClientStream dns(rig, 53);
    dns.shake_hands();
    if (cut > 0) CHECK(dns.send(slice_of(query, 0, cut)).fate == Fate::Forward);
    const Verdict v = dns.send(slice_of(query, cut, 1000));
    CHECK(v.fate == Fate::Drop);
    CHECK(v.order == rig.order("A-100"));
    REQUIRE(rig.pipeline->replies().size() == 2);
    const ReadPacket answer = reply(rig, 0);
    CHECK(answer.flags == 0x19);
    CHECK(answer.seq == 5000);
    CHECK(answer.ack == 1000 + query.size());
    REQUIRE(at16(answer.payload, 0) == answer.payload.size() - 2);
    const ReadDns message = read_dns(slice(answer.payload, 2, answer.payload.size() - 2));
    CHECK(message.id == ask.id);
    CHECK(message.questions == Names{"www.bad.example."});
    CHECK(message.authority.size() == 1);
    CHECK(message.additional.size() == 1);
    CHECK(reply(rig, 1).flags == 0x14);
    CHECK(reply(rig, 1).dst == dns.ends().dst);
    CHECK(dns.send(dns_over_tcp("a.example")).cause == Cause::Tombstone);
  }
}

TEST_CASE("filter: where an answer over TCP may be outstanding or the client may be spoofed, both sides are reset") {
  const Buffer bad = dns_over_tcp("bad.example"), fine = dns_over_tcp("a.example");
  PipelineRig rig;
  ClientStream dns(rig, 53);
  SECTION("a query before") {
    dns.shake_hands();
    dns.send(fine);
    CHECK(dns.send(bad).order == rig.order("A-100"));
  }
  SECTION("a query before in the same segment") {
    dns.shake_hands();
    CHECK(dns.send(joined({fine, bad})).order == rig.order("A-100"));
    CHECK(dns.names() == Names{"a.example", "bad.example"});
  }
  SECTION("no handshake seen") {
    CHECK(dns.send(bad).order == rig.order("A-100"));
  }
  REQUIRE(rig.pipeline->replies().size() == 2);
  CHECK(reply(rig, 0).flags == 0x14);
  CHECK(reply(rig, 0).payload.empty());
  CHECK(reply(rig, 1).flags == 0x14);
}

TEST_CASE("filter: queries over TCP with TSIG or without RD go by the policy table") {
  PipelineRig rig;
  ClientStream dns(rig, 53);
  dns.shake_hands();
  DnsAsk ask;
  ask.names = {"bad.example"};
  ask.flags = 0;
  const Verdict authority = dns.send(dns_over_tcp(ask));
  CHECK(authority.fate == Fate::Forward);
  CHECK(authority.cause == Cause::DnsNoRecursion);
  ask.flags = 0x0100;
  ask.tsig = true;
  CHECK(dns.send(dns_over_tcp(ask)).cause == Cause::DnsTsig);
  // One that is not spared in the same segment decides.
  CHECK(dns.send(joined({dns_over_tcp(ask), dns_over_tcp("bad.example")})).order == rig.order("A-100"));
}

TEST_CASE("filter: TLS and HTTP to port 53 are read as what they are") {
  PipelineRig rig;
  ClientStream tls(rig, 53, 40001);
  tls.shake_hands();
  CHECK(tls.send(tls_client_hello("bad.example")).order == rig.order("A-100"));
  ClientStream http(rig, 53, 40002);
  http.shake_hands();
  CHECK(http.send("GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n").order == rig.order("A-100"));
}

TEST_CASE("filter: a very long message over TCP is read at its beginning and passed over") {
  DnsAsk ask;
  ask.names = {"long.example"};
  ask.edns = true;
  ask.options = Buffer(20'000, 0);
  const Buffer all = joined({dns_over_tcp(ask), dns_over_tcp("next.example")});
  PipelineRig rig;
  ClientStream dns(rig, 53);
  dns.shake_hands();
  for (std::size_t at = 0; at < all.size(); at += 1000) dns.send(slice_of(all, at, 1000));
  CHECK(dns.names() == Names{"long.example", "next.example"});
}

TEST_CASE("filter: more names in one packet than are looked up is a row of its own, and harms no other packet") {
  PipelineRig rig;
  ClientStream dns(rig, 53), other(rig, 53, 40001);
  dns.shake_hands();
  other.shake_hands();
  Buffer many;
  for (int i = 0; i < 100; ++i) put(many, dns_over_tcp("a.example"));
  rig.run({dns.frame(0, many), other.frame(0, dns_over_tcp("bad.example"))});
  CHECK(rig.pipeline->verdicts()[0].cause == Cause::NamesOverflow);
  CHECK(rig.pipeline->verdicts()[1].order == rig.order("A-100"));
  CHECK(rig.pipeline->names().size() == kMaxNamesPerFrame + 1);
}

}  // namespace
}  // namespace sluice
