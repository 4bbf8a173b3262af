#include <catch2/catch.hpp>

#include "tests/support/client_stream.h"
#include "tests/support/pipeline_rig.h"
#include "tests/support/reply_reader.h"

namespace sluice {
namespace {

using namespace test;

DnsAsk ask(std::string name) {
  DnsAsk a;
  a.names = {std::move(name)};
  return a;
}

ReadDns only_answer(const PipelineRig& rig) {
  const auto replies = rig.pipeline->replies();
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].out == Side::Subscriber);
  return read_dns(read_reply({replies[0].bytes.data(), replies[0].len}).payload);
}

TEST_CASE("filter: a DNS query for a blocked name is dropped, answered and counted under its order") {
  PipelineRig rig;
  const Verdict v = rig.one(dns_query_frame(ask("www.BAD.exAmple")));
  CHECK(v.fate == Fate::Drop);
  CHECK(v.order == rig.order("A-100"));
  CHECK(v.cause == Cause::None);
  const ReadDns dns = only_answer(rig);
  CHECK(dns.questions[0] == "www.BAD.exAmple.");
  CHECK(dns.rcode() == 0);
  CHECK(rig.hits("A-100").blocked == 1);
  CHECK(rig.hits("A-100").observed == 0);
  CHECK(rig.counters->dropped_pkts == 1);
  CHECK(rig.counters->blocked[0] == 1);
  CHECK(rig.names(Method::Dns) == 1);
}

TEST_CASE("filter: what an order in shadow would block goes on unanswered, counted as observed under it") {
  std::vector<Feed> feeds = PipelineRig::example_feeds();
  feeds[0].shadow = {0};
  Policy policy = PipelineRig::enforcing();
  policy.rows[static_cast<std::size_t>(Cause::DnsNoRecursion)] = Row::Drop;
  PipelineRig rig(policy, feeds);
  const Verdict v = rig.one(dns_query_frame(ask("www.bad.example")));
  CHECK(v.fate == Fate::Forward);
  CHECK(v.order == rig.order("A-100"));
  CHECK(rig.pipeline->replies().empty());
  CHECK(rig.hits("A-100").observed == 1);
  CHECK(rig.hits("A-100").blocked == 0);
  CHECK(rig.counters->observed[0] == 1);
  CHECK(rig.counters->dropped_pkts == 0);
  // A query that resolvers ask of authorities is spared by the block, and so by its shadow.
  DnsAsk from_resolver = ask("www.bad.example");
  from_resolver.flags = 0;
  CHECK(rig.one(dns_query_frame(from_resolver)).fate == Fate::Forward);
  CHECK(rig.hits("A-100").observed == 1);
  CHECK(rig.one(dns_query_frame(ask("more.example"))).fate == Fate::Drop);
}

TEST_CASE("filter: other names go on without a trace but the count of names") {
  PipelineRig rig;
  const Verdict v = rig.one(dns_query_frame(ask("notbad.example")));
  CHECK(v.fate == Fate::Forward);
  CHECK(v.order == kNoOrder);
  CHECK(rig.pipeline->replies().empty());
  CHECK(rig.names(Method::Dns) == 1);
  REQUIRE(rig.pipeline->names().size() == 1);
  CHECK(rig.pipeline->names()[0].name.text() == "notbad.example");
}

TEST_CASE("filter: the operator's own list is Blocked, an authority's Censored") {
  PipelineRig rig;
  for (const auto& [name, code] : {std::pair{"own.example", 15}, std::pair{"bad.example", 16}}) {
    DnsAsk a = ask(name);
    a.edns = true;
    rig.one(dns_query_frame(a));
    CHECK(at16(only_answer(rig).additional.at(0).data, 4) == code);
  }
}

TEST_CASE("filter: in observe mode everything goes on and would-be blocks are counted") {
  Policy policy = PipelineRig::enforcing();
  policy.mode = Mode::Observe;
  policy.rows.fill(Row::Drop);
  PipelineRig rig(policy);
  const Verdict v = rig.one(dns_query_frame(ask("bad.example")));
  CHECK(v.fate == Fate::Forward);
  CHECK(v.order == rig.order("A-100"));
  CHECK(rig.pipeline->replies().empty());
  CHECK(rig.hits("A-100").observed == 1);
  CHECK(rig.hits("A-100").blocked == 0);
  CHECK(rig.one(Buffer(30, 0)).fate == Fate::Forward);
  CHECK(rig.counters->dropped_pkts == 0);
}

TEST_CASE("filter: queries between resolvers and authorities go on and are counted") {
  PipelineRig rig;
  DnsAsk a = ask("bad.example");
  a.flags = 0;
  CHECK(rig.one(dns_query_frame(a)).cause == Cause::DnsNoRecursion);
  a.flags = 0x100;
  a.tsig = true;
  const Verdict v = rig.one(dns_query_frame(a));
  CHECK(v.cause == Cause::DnsTsig);
  CHECK(v.fate == Fate::Forward);
  CHECK(v.order == kNoOrder);
  CHECK(rig.cause(Cause::DnsNoRecursion) == 1);
  CHECK(rig.cause(Cause::DnsTsig) == 1);
  CHECK(rig.hits("A-100").blocked == 0);

  Policy strict = PipelineRig::enforcing();
  strict.rows[static_cast<std::size_t>(Cause::DnsTsig)] = Row::Drop;
  PipelineRig dropping(strict);
  CHECK(dropping.one(dns_query_frame(a)).fate == Fate::Drop);
  CHECK(dropping.pipeline->replies().empty());
}

TEST_CASE("filter: the first blocked of several questions decides") {
  PipelineRig rig;
  DnsAsk a;
  a.names = {"fine.example", "more.example", "bad.example"};
  CHECK(rig.one(dns_query_frame(a)).order == rig.order("A-101"));
  CHECK(only_answer(rig).authority.at(0).name == "more.example.");
  CHECK(rig.pipeline->names().size() == 3);
  CHECK(rig.hits("A-100").blocked == 0);
}

TEST_CASE("filter: a class other than IN and ANY is not blocked") {
  PipelineRig rig;
  DnsAsk a = ask("bad.example");
  a.qclass = 3;
  CHECK(rig.one(dns_query_frame(a)).order == kNoOrder);
  a.qclass = 255;
  CHECK(rig.one(dns_query_frame(a)).order == rig.order("A-100"));
}

TEST_CASE("filter: only subscribers are answered, only from their own side, and never through a tunnel") {
  PipelineRig rig;
  Endpoints outside;
  outside.src = {198, 51, 100, 1};
  CHECK(rig.one(dns_query_frame(ask("bad.example"), outside)).fate == Fate::Drop);
  CHECK(rig.pipeline->replies().empty());
  CHECK(rig.cause(Cause::ReplyNotSubscriber) == 1);

  CHECK(rig.one(dns_query_frame(ask("bad.example")), Side::Internet).fate == Fate::Forward);
  CHECK(rig.names(Method::Dns) == 1);

  Buffer inner = dns_query_frame(ask("bad.example"));
  Buffer mpls(inner.begin(), inner.begin() + 12);
  put16(mpls, 0x8847);
  put32(mpls, 0x00010140);
  mpls.insert(mpls.end(), inner.begin() + 14, inner.end());
  CHECK(rig.one(mpls).fate == Fate::Drop);
  CHECK(rig.pipeline->replies().empty());
  CHECK(rig.cause(Cause::ReplyOneWay) == 1);
}

TEST_CASE("filter: without an image names go on, or fall where policy says so") {
  PipelineRig rig;
  const Buffer frame = dns_query_frame(ask("bad.example"));
  const Frame in{frame.data(), static_cast<std::uint32_t>(frame.size())};
  rig.pipeline->run({&in, 1}, {}, rig.now);
  CHECK(rig.pipeline->verdicts()[0].fate == Fate::Forward);
  CHECK(rig.pipeline->verdicts()[0].cause == Cause::NoImage);
  Policy closed = PipelineRig::enforcing();
  closed.rows[static_cast<std::size_t>(Cause::NoImage)] = Row::Drop;
  PipelineRig strict(closed);
  strict.pipeline->run({&in, 1}, {}, strict.now);
  CHECK(strict.pipeline->verdicts()[0].fate == Fate::Drop);
}

TEST_CASE("filter: an order is not enforced past its expiry, and no cache keeps its answer for longer") {
  PipelineRig rig;
  rig.now.wall_s = kOrderExpires - 7;
  rig.one(dns_query_frame(ask("bad.example")));
  CHECK(only_answer(rig).authority.at(0).ttl == 7);
  rig.now.wall_s = kOrderExpires;
  CHECK(rig.one(dns_query_frame(ask("bad.example"))).fate == Fate::Forward);
}

TEST_CASE("filter: a row of the policy table drops what it names, and only counts otherwise") {
  Buffer broken = dns_query_frame(ask("bad.example"));
  broken.erase(broken.end() - 3, broken.end());
  store_be16(broken.data() + 16, static_cast<std::uint16_t>(broken.size() - 14));
  PipelineRig open;
  CHECK(open.one(broken).fate == Fate::Forward);
  CHECK(open.cause(Cause::DnsTruncated) == 1);
  Policy policy = PipelineRig::enforcing();
  policy.rows[static_cast<std::size_t>(Cause::DnsTruncated)] = Row::Drop;
  PipelineRig closed(policy);
  const Verdict v = closed.one(broken);
  CHECK(v.fate == Fate::Drop);
  CHECK(v.cause == Cause::DnsTruncated);
  CHECK(closed.counters->dropped_pkts == 1);
}

TEST_CASE("filter: past its credit a prefix gets answers no larger than its queries") {
  Policy policy = PipelineRig::enforcing();
  policy.credit_bytes = 100;
  policy.credit_bytes_per_s = 50;
  PipelineRig rig(policy);
  DnsAsk a = ask("bad.example");
  a.edns = true;
  const Buffer frame = dns_query_frame(a);
  std::size_t answered = 0, rounds = 0;
  for (; rig.cause(Cause::ReplyShrunk) == 0 && rounds < 100; ++rounds) {
    rig.one(frame);
    answered += rig.pipeline->replies()[0].len - 14U;
  }
  CHECK(rounds < 10);
  CHECK(answered <= rounds * (frame.size() - 14) + 100);
  const ReadDns dns = only_answer(rig);
  CHECK(dns.authority.empty());
  CHECK(dns.additional.at(0).data.empty());
  Endpoints other;
  other.src = {10, 200, 0, 1};
  rig.one(dns_query_frame(a, other));
  CHECK_FALSE(only_answer(rig).authority.empty());
  rig.wait_s(10);
  rig.one(frame);
  CHECK_FALSE(only_answer(rig).authority.empty());
}

TEST_CASE("filter: DNS is read on port 53 only, or on the ports that are configured, over UDP and TCP") {
  Policy policy = PipelineRig::enforcing();
  policy.dns_ports.clear();
  REQUIRE(policy.dns_ports.add(5353));
  for (const std::uint16_t port : {std::uint16_t{53}, std::uint16_t{5353}}) {
    PipelineRig usual, moved(policy);
    Endpoints e;
    e.dst_port = port;
    for (PipelineRig* rig : {&usual, &moved}) {
      const bool read = (rig == &usual) == (port == 53);
      DnsAsk ask;
      ask.names = {"bad.example"};
      CHECK((rig->one(dns_query_frame(ask, e)).order == rig->order("A-100")) == read);
      ClientStream stream(*rig, port, 41000);
      stream.shake_hands();
      CHECK((stream.send(dns_over_tcp("bad.example")).order == rig->order("A-100")) == read);
      CHECK(rig->names(Method::Dns) == (read ? 2 : 0));
    }
  }
}

TEST_CASE("filter: policy drop answers nothing") {
  Policy policy = PipelineRig::enforcing();
  policy.dns = DnsAction::Drop;
  PipelineRig rig(policy);
  CHECK(rig.one(dns_query_frame(ask("bad.example"))).fate == Fate::Drop);
  CHECK(rig.pipeline->replies().empty());
}

}  // namespace
}  // namespace sluice
