#include "dataplane/reply/dns_answer.h"

#include <array>
#include <catch2/catch.hpp>

#include "dataplane/packet/parse.h"
#include "dataplane/reply/envelope.h"
#include "tests/support/reply_reader.h"

namespace sluice {
namespace {

using namespace test;

constexpr std::uint16_t kStructured = 65023;
const DnsAnswerText kText{.order_id = "NCCIA-2026-00481",
                          .appeal_url = "https://appeals.example.pk/",
                          .authority = "National Cyber Crime Investigation Agency",
                          .reason = "Block \"ordered\" under …"};

struct Answer {
  ReadPacket packet;
  ReadDns dns;
};

Answer answer(const DnsAsk& ask, const DnsAnswerStyle& style = {}, const Endpoints& ends = {},
              const DnsAnswerText& text = kText, std::size_t question = 0) {
  const Buffer frame = dns_query_frame(ask, ends);
  PacketView view;
  parse_packet(frame, LinkType::Ethernet, view);
  REQUIRE(view.cause == Cause::None);
  DnsQuery query;
  REQUIRE(parse_dns_query(view.payload_bytes(), kStructured, query) == Cause::None);
  std::array<std::uint8_t, 1024> out;
  const std::size_t n = build_dns_answer(view, query, question, style, text, {}, out);
  REQUIRE(n > 0);
  Answer a{read_reply({out.data(), n}), {}};
  a.dns = read_dns(a.packet.payload);
  return a;
}

std::string extra_text(const Answer& a) {
  const Buffer& rdata = a.dns.additional.at(0).data;
  must(at16(rdata, 0) == 15 && at16(rdata, 2) == rdata.size() - 4, "extended error");
  return {rdata.begin() + 6, rdata.end()};
}

TEST_CASE("dns answer: NODATA mirrors the packet and names the blocked name as SOA owner") {
  DnsAsk ask;
  ask.names = {"wWw.ExAmPlE.oRg"};
  const Answer a = answer(ask, {.ttl_s = 45});
  CHECK(a.packet.dst_mac == Buffer{2, 0, 0, 0, 0, 1});
  CHECK(a.packet.src_mac == Buffer{2, 0, 0, 0, 0, 2});
  CHECK(a.packet.src == Buffer{192, 0, 2, 53});
  CHECK(a.packet.dst == Buffer{10, 1, 2, 3});
  CHECK(a.packet.src_port == 53);
  CHECK(a.packet.dst_port == 40000);
  CHECK(a.packet.ttl == 64);
  CHECK(a.dns.id == 0x4711);
  CHECK(a.dns.flags == 0x8180);
  CHECK(a.dns.questions == std::vector<std::string>{"wWw.ExAmPlE.oRg."});
  CHECK(a.dns.answer.empty());
  CHECK(a.dns.additional.empty());
  REQUIRE(a.dns.authority.size() == 1);
  const ReadRecord& soa = a.dns.authority[0];
  CHECK(soa.name == "wWw.ExAmPlE.oRg.");
  CHECK(soa.type == 6);
  CHECK(soa.ttl == 45);
  CHECK(at32(soa.data, soa.data.size() - 4) == 45);
}

TEST_CASE("dns answer: IPv6, tags and PPPoE come back as they were") {
  Endpoints ends = Endpoints::v6();
  ends.tags = {0x88a8, 0x8100};
  Answer a = answer({}, {}, ends);
  CHECK(a.packet.tags == ends.tags);
  CHECK(a.packet.ipv6);
  CHECK(a.packet.dst == ends.src);
  ends = {};
  ends.tags = {0x8100};
  ends.pppoe = true;
  a = answer({}, {}, ends);
  CHECK(a.packet.pppoe);
  CHECK(a.packet.tags == ends.tags);
}

TEST_CASE("dns answer: RD and CD are copied, AD is cleared, RA is set") {
  DnsAsk ask;
  ask.flags = 0x0030;  // AD, CD
  CHECK(answer(ask).dns.flags == 0x8090);
  ask.flags = 0x0120;  // RD, AD
  CHECK(answer(ask).dns.flags == 0x8180);
}

TEST_CASE("dns answer: EDNS gives size 1232, DO as asked, and the extended error") {
  DnsAsk ask;
  ask.edns = true;
  ask.opt_ttl = 0x00018000;  // version 1, DO
  ask.options = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
  Answer a = answer(ask);
  REQUIRE(a.dns.additional.size() == 1);
  CHECK(a.dns.additional[0].type == 41);
  CHECK(a.dns.additional[0].rclass == 1232);
  CHECK(a.dns.additional[0].ttl == 0x8000);
  CHECK(at16(a.dns.additional[0].data, 4) == 16);
  CHECK(extra_text(a) == "NCCIA-2026-00481 https://appeals.example.pk/");
  DnsAnswerText own = kText;
  own.external = false;
  a = answer(ask, {}, {}, own);
  CHECK(at16(a.dns.additional[0].data, 4) == 15);
}

TEST_CASE("dns answer: a query for structured errors gets one JSON object") {
  DnsAsk ask;
  ask.edns = true;
  put16(ask.options, kStructured);
  put16(ask.options, 0);
  CHECK(
      extra_text(answer(ask)) ==
      R"({"c":["https://appeals.example.pk/"],"j":"Block \"ordered\" under …","o":"National Cyber Crime Investigation Agency"})");
}

TEST_CASE("dns answer: a long text is cut at a character's border and the message stays within the size asked for") {
  const std::string url = "https://example.pk/" + std::string(2000, 'x');
  std::string accents = "a";
  while (accents.size() < 2000) accents += "é";
  for (const std::string& appeal : {url, accents}) {
    DnsAnswerText text = kText;
    text.appeal_url = appeal;
    DnsAsk ask;
    ask.edns = true;
    ask.udp_size = 100;  // below 512 counts as 512 (RFC 6891 6.2.3)
    const Answer a = answer(ask, {}, {}, text);
    CHECK(a.packet.payload.size() <= 512);
    CHECK(a.packet.payload.size() >= 511);
    const std::string extra = extra_text(a);
    CHECK((kText.order_id.data() + (" " + appeal)).starts_with(extra));
    CHECK((static_cast<unsigned char>(extra.back()) == 0xa9 || extra.back() == 'x'));
    put16(ask.options, kStructured);
    put16(ask.options, 0);
    CHECK(extra_text(answer(ask, {}, {}, text)).empty());
  }
}

TEST_CASE("dns answer: the longest name fits in 512 bytes with its SOA") {
  const std::string label(63, 'a');
  DnsAsk ask;
  ask.names = {label + "." + label + "." + label + "." + std::string(61, 'b')};
  const Answer a = answer(ask);
  CHECK(a.packet.payload.size() <= 512);
  CHECK(a.dns.authority.size() == 1);
}

TEST_CASE("dns answer: kinds") {
  CHECK(answer({}, {.kind = DnsAnswerKind::Nxdomain}).dns.rcode() == 3);
  const Answer refused = answer({}, {.kind = DnsAnswerKind::Refused});
  CHECK(refused.dns.rcode() == 5);
  CHECK(refused.dns.authority.empty());
  DnsAnswerStyle sinkhole{.kind = DnsAnswerKind::Sinkhole, .ttl_s = 30};
  sinkhole.sinkhole4 = {192, 0, 2, 1};
  const Answer a = answer({}, sinkhole);
  REQUIRE(a.dns.answer.size() == 1);
  CHECK(a.dns.answer[0].name == "example.org.");
  CHECK(a.dns.answer[0].data == Buffer{192, 0, 2, 1});
  CHECK(a.dns.answer[0].ttl == 30);
  CHECK(a.dns.authority.empty());
  DnsAsk aaaa;
  aaaa.qtype = 28;
  CHECK(answer(aaaa, sinkhole).dns.authority.size() == 1);
  sinkhole.sinkhole6[15] = 1;
  CHECK(answer(aaaa, sinkhole).dns.answer.at(0).data.size() == 16);
  DnsAsk https;
  https.qtype = 65;
  CHECK(answer(https, sinkhole).dns.authority.size() == 1);
}

TEST_CASE("dns answer: of several questions all are copied and the blocked one owns the SOA") {
  DnsAsk ask;
  ask.names = {"fine.example", "bad.example", "other.example"};
  const Answer a = answer(ask, {}, {}, kText, 1);
  CHECK(a.dns.questions.size() == 3);
  CHECK(a.dns.authority.at(0).name == "bad.example.");
}

TEST_CASE("dns answer: the shrunk answer is never larger than the query") {
  for (const bool edns : {false, true}) {
    for (const bool v6 : {false, true}) {
      DnsAsk ask;
      ask.edns = edns;
      ask.names = {"a"};
      const Buffer frame = dns_query_frame(ask, v6 ? Endpoints::v6() : Endpoints{});
      PacketView view;
      parse_packet(frame, LinkType::Ethernet, view);
      DnsQuery query;
      REQUIRE(parse_dns_query(view.payload_bytes(), 0, query) == Cause::None);
      std::array<std::uint8_t, 1024> out;
      const std::size_t n = build_shrunk_dns_answer(view, query, {}, out);
      REQUIRE(n > 0);
      CHECK(n <= frame.size());
      const ReadDns dns = read_dns(read_reply({out.data(), n}).payload);
      CHECK(dns.rcode() == 0);
      CHECK(dns.questions.size() == 1);
      CHECK(dns.authority.empty());
      CHECK(dns.additional.size() == (edns ? 1 : 0));
    }
  }
}

TEST_CASE("dns answer: a checksum of zero is sent as its complement (RFC 768)") {
  DnsAsk ask;
  unsigned complements = 0;
  for (unsigned id = 0; id <= 0xffff; ++id) {
    ask.id = static_cast<std::uint16_t>(id);
    const Buffer frame = dns_query_frame(ask);
    PacketView view;
    parse_packet(frame, LinkType::Ethernet, view);
    DnsQuery query;
    if (parse_dns_query(view.payload_bytes(), 0, query) != Cause::None) FAIL("query");
    std::array<std::uint8_t, 1024> out;
    const std::size_t n = build_dns_answer(view, query, 0, {}, kText, {}, out);
    (void)read_reply({out.data(), n});  // throws where the checksum is missing or wrong
    complements += at16(out, 40) == 0xffff;
  }
  CHECK(complements >= 1);
}

TEST_CASE("dns answer: none to a group address, and none where it does not fit the buffer") {
  std::array<std::uint8_t, 1024> out;
  const auto built = [&](const Buffer& frame, std::size_t room) {
    PacketView view;
    parse_packet(frame, LinkType::Ethernet, view);
    DnsQuery query;
    REQUIRE(parse_dns_query(view.payload_bytes(), 0, query) == Cause::None);
    return build_dns_answer(view, query, 0, {}, kText, {}, MutableBytes{out.data(), room});
  };
  Endpoints group;
  group.dst = {224, 0, 0, 251};
  CHECK(built(dns_query_frame({}, group), 1024) == 0);
  group = Endpoints::v6();
  group.dst[0] = 0xff;
  CHECK(built(dns_query_frame({}, group), 1024) == 0);
  Buffer broadcast = dns_query_frame({});
  broadcast[0] = 0xff;
  CHECK(built(broadcast, 1024) == 0);
  const Buffer frame = dns_query_frame({});
  CHECK(built(frame, 1024) > frame.size());
  for (std::size_t room = 0; room < frame.size(); ++room) CHECK(built(frame, room) == 0);
}

}  // namespace
}  // namespace sluice
