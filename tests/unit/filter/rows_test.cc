// The policy table: each cause that a frame can raise has a row, which forwards it or drops it, and counts it.
#include <catch2/catch.hpp>

#include "tests/support/client_stream.h"

namespace sluice {
namespace {

using namespace test;

/// Every choice is to drop.
Policy closed() {
  Policy policy = PipelineRig::enforcing();
  for (Row& row : policy.rows) row = is_choice(row) ? Row::Drop : row;
  return policy;
}

Buffer changed(Buffer frame, std::size_t at, std::uint8_t byte) {
  frame[at] = byte;
  return frame;
}
Buffer cut(Buffer frame, std::size_t bytes) {
  frame.resize(bytes);
  return frame;
}
Endpoints tagged(std::size_t tags) {
  Endpoints e;
  e.tags.assign(tags, 0x8100);
  return e;
}
Buffer pppoe(std::uint8_t version, std::uint16_t protocol) {
  Endpoints e;
  e.pppoe = true;
  Buffer frame = dns_query_frame({}, e);
  frame[14] = version;
  store_be16(&frame[20], protocol);
  return frame;
}
Buffer tcp_to(std::uint16_t port, std::string_view payload) {
  Endpoints e;
  e.dst_port = port;
  return tcp_frame(e, {.options = {}, .payload = text_bytes(payload)});
}
Buffer hello_with(std::string_view name) {
  Endpoints e;
  e.dst_port = 443;
  return tcp_frame(e, {.options = {}, .payload = tls_client_hello(name)});
}
Buffer query_for(std::string name) {
  DnsAsk ask;
  ask.names = {std::move(name)};
  return dns_query_frame(ask);
}
Buffer query_for(std::size_t names) {
  DnsAsk ask;
  ask.names.assign(names, "fine.example");
  return dns_query_frame(ask);
}

struct Case {
  Cause cause;
  Buffer frame;
};
std::vector<Case> cases() {
  const Buffer dns = dns_query_frame({});
  constexpr std::size_t kIp = 14, kUdp = kIp + 20, kQuery = kUdp + 8;
  Buffer quic{0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 4, 1, 2, 3, 4, 0};
  quic.resize(1200, 0);
  Buffer garbage{0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x00};
  garbage.resize(1200, 0x55);
  Endpoints h3;
  h3.dst_port = 443;
  return {{Cause::EtherTruncated, cut(dns, 13)},
          {Cause::TooDeep, dns_query_frame({}, tagged(9))},
          {Cause::EncapBad, pppoe(0x12, 0x0021)},
          {Cause::IpTruncated, cut(dns, kIp + 10)},
          {Cause::IpBadVersion, changed(dns, kIp, 0x75)},
          {Cause::IpBadLength, changed(dns, kIp, 0x44)},
          {Cause::Fragment, changed(dns, kIp + 7, 1)},
          {Cause::L4Truncated, changed(dns, kIp + 3, 24)},
          {Cause::L4BadLength, changed(dns, kUdp + 5, 7)},
          {Cause::DnsTruncated, changed(dns, kUdp + 5, 8 + 15)},
          {Cause::DnsBadLabel, changed(dns, kQuery + 12, 0x40)},
          {Cause::DnsBadPointer, changed(dns, kQuery + 12, 0xc0)},
          {Cause::DnsTooManyQuestions, query_for(5)},
          {Cause::TlsNoSni, hello_with("")},
          {Cause::NameInvalid, hello_with("a b")},
          {Cause::NameInvalid, query_for("a b.example")},
          {Cause::TlsBadRecord, tcp_to(443, std::string("\26\3\1\0\0\1\0", 7))},
          {Cause::QuicVersion, udp_frame(h3, quic)},
          {Cause::QuicNoKeys, udp_frame(h3, garbage)},
          {Cause::HttpNoHost, tcp_to(80, "GET / HTTP/1.1\r\n\r\n")},
          {Cause::HttpBadRequest, tcp_to(80, "GET / HTTP/1.1\r\n Host: folded\r\n\r\n")},
          {Cause::HttpIncomplete, tcp_to(80, "GET / HTTP/1.1\r\n")}};
}

TEST_CASE("rows: what cannot be read is forwarded and counted under its cause, and dropped where its row says so") {
  for (const Case& c : cases()) {
    PipelineRig open, shut(closed());
    CAPTURE(info(c.cause).name);
    CHECK(open.one(c.frame).cause == c.cause);
    CHECK(open.pipeline->verdicts()[0].fate == Fate::Forward);
    CHECK(open.cause(c.cause) == 1);
    CHECK(shut.one(c.frame).fate == Fate::Drop);
    CHECK(shut.cause(c.cause) == 1);
    CHECK(shut.pipeline->replies().empty());
    Policy observing = closed();
    observing.mode = Mode::Observe;
    PipelineRig idle(observing);
    CHECK(idle.one(c.frame).fate == Fate::Forward);
  }
}

TEST_CASE("rows: control frames of PPPoE, ARP and what else carries no IP pass whatever the rows say") {
  PipelineRig rig(closed());
  const Buffer session = pppoe(0x11, 0x0021);
  for (const unsigned protocol : {0xc021U, 0x8021U, 0x8057U, 0xc023U, 0xc223U, 0x80fdU}) {  // LCP, IPCP … CHAP, CCP
    CHECK(rig.one(pppoe(0x11, static_cast<std::uint16_t>(protocol))).fate == Fate::Forward);
  }
  for (const char code : {'\x09', '\x07', '\x19', '\x65', '\xa7'}) {  // PADI, PADO, PADR, PADS, PADT
    CHECK(rig.one(changed(changed(session, 13, 0x63), 15, static_cast<std::uint8_t>(code))).fate == Fate::Forward);
  }
  for (const unsigned type : {0x0806U, 0x88ccU, 0x8809U, 0x888eU}) {  // ARP, LLDP, LACP, 802.1X
    Buffer other(60, 0);
    store_be16(&other[12], static_cast<std::uint16_t>(type));
    CHECK(rig.one(other).fate == Fate::Forward);
  }
  CHECK(rig.cause(Cause::NotIp) == 15);
  CHECK(rig.counters->dropped_pkts == 0);
}

TEST_CASE("rows: a stream joined in the middle is a row where it is not read") {
  Policy policy = closed();
  policy.read_unstarted = false;
  PipelineRig rig(policy);
  const Verdict v = rig.one(hello_with("fine.example"));
  CHECK(v.cause == Cause::NoStartSeen);
  CHECK(v.fate == Fate::Drop);
}

}  // namespace
}  // namespace sluice
