#include <catch2/catch.hpp>

#include "dataplane/flow/young.h"
#include "tests/support/client_stream.h"

namespace sluice {
namespace {

using namespace test;
using Names = std::vector<std::string>;

Buffer get(std::string_view host, std::string_view more = "") {
  return text_bytes("GET /x HTTP/1.1\r\nAccept: */*\r\nHost: " + std::string(host) + "\r\n" + std::string(more) +
                    "\r\n");
}

TEST_CASE("filter: every request of a kept connection gives its host, however requests are split and joined") {
  const Buffer all = joined({get("a.example"), get("b.example", "Content-Length: 41\r\n"),
                             text_bytes("GET / HTTP/1.1\r\nHost: in.the.body\r\n\r\n...."), get("c.example")});
  for (std::size_t cut = 1; cut <= all.size(); ++cut) {
    PipelineRig rig;
    ClientStream http(rig, 8080);
    http.shake_hands();
    for (std::size_t at = 0; at < all.size(); at += cut) http.send(slice_of(all, at, cut));
    Names names = http.names();
    std::erase(names, "in.the.body");  // where a segment begins there
    CAPTURE(cut);
    CHECK(names == Names{"a.example", "b.example", "c.example"});
  }
}

TEST_CASE("filter: a ClientHello whole in one segment takes nothing from the message around it") {
  const Buffer hello = tls_client_hello("fine.example");
  const Buffer head = text_bytes("GET / HTTP/1.1\r\nX: "), tail = text_bytes("\r\nHost: bad.example\r\n\r\n");
  const Buffer all = joined({head, hello, tail});
  const std::size_t after = head.size() + hello.size();
  for (const bool head_first : {true, false}) {
    PipelineRig rig;
    ClientStream http(rig, 80);
    http.shake_hands();
    if (head_first) http.send_at(0, slice_of(all, 0, 5));
    http.send_at(static_cast<std::uint32_t>(head.size()), hello);
    http.send_at(static_cast<std::uint32_t>(after), tail);
    CHECK(http.send_at(0, head).order == rig.order("A-100"));
  }
}

TEST_CASE("filter: a further request counts whatever its method, also where it is cut inside its first line") {
  const Buffer all = joined({get("a.example"), text_bytes("BREW /pot HTTP/1.1\r\nHost: b.example\r\n\r\n")});
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    PipelineRig rig;
    ClientStream http(rig, 80);
    http.shake_hands();
    http.send(slice_of(all, 0, cut));
    http.send(slice_of(all, cut, all.size()));
    CAPTURE(cut);
    CHECK(http.names() == Names{"a.example", "b.example"});
  }
}

TEST_CASE("filter: the second of two requests in one segment is blocked without a page") {
  Policy policy = PipelineRig::enforcing();
  policy.http = TcpAction::Alert;
  PipelineRig rig(policy);
  ClientStream http(rig, 80);
  http.shake_hands();
  CHECK(http.send(joined({get("a.example"), get("bad.example")})).order == rig.order("A-100"));
  REQUIRE(rig.pipeline->replies().size() == 2);
  CHECK(rig.pipeline->replies()[0].len < 60);
}

TEST_CASE("filter: where framing is lost, a segment that begins with a request is read, and no ClientHello") {
  PipelineRig rig;
  ClientStream http(rig, 80);
  http.shake_hands();
  http.send(get("a.example", "Transfer-Encoding: chunked\r\n"));
  http.send("5\r\nhello\r\n0\r\n\r\n");
  http.send_at(100'000, get("b.example"));
  CHECK(http.send_at(100'500, tls_client_hello("bad.example")).fate == Fate::Forward);
  CHECK(http.names() == Names{"a.example", "b.example"});
}

TEST_CASE("filter: after CONNECT the tunnel is read as a stream of its own") {
  for (const std::size_t cut : {std::size_t{10}, std::size_t{60}, std::size_t{5000}}) {
    PipelineRig rig;
    ClientStream proxy(rig, 3128);
    proxy.shake_hands();
    const Buffer connect = text_bytes("CONNECT one.example:443 HTTP/1.1\r\nHost: one.example:443\r\n\r\n");
    for (std::size_t at = 0; at < connect.size(); at += cut) proxy.send(slice_of(connect, at, cut));
    const Buffer hello = tls_client_hello("two.example", 500);
    for (std::size_t at = 0; at < hello.size(); at += cut) proxy.send(slice_of(hello, at, cut));
    CHECK(proxy.names() == Names{"one.example", "two.example"});
  }
}

TEST_CASE("filter: TLS is read after STARTTLS and its like, and only there") {
  struct Dialogue {
    std::uint16_t port;
    std::vector<std::string> lines;
  };
  const std::string socks{"\5\1\0\3\13bad.example\1\273", 18};
  const std::string rdp{"\3\0\0\023\016\340\0\0\0\0\0\1\0\010\0\3\0\0\0", 19};
  const std::string ssl_request{"\0\0\0\x08\x04\xd2\x16\x2f", 8};
  for (const Dialogue& d :
       {Dialogue{25, {"EHLO me.example\r\n", "STARTTLS\r\n"}}, Dialogue{587, {"EHLO me\r\nSTARTTLS\r\n"}},
        Dialogue{143, {"a1 CAPABILITY\r\n", "a2 starttls\r\n"}}, Dialogue{110, {"CAPA\r\n", "STLS\r\n"}},
        Dialogue{110, {"CA", "PA\r", "\nS", "T", "L", "S", "\r", "\n"}}, Dialogue{21, {"AUTH TLS\r\n"}},
        Dialogue{5432, {ssl_request}}, Dialogue{1080, {std::string("\5\1\0", 3), socks}}, Dialogue{3389, {rdp}},
        Dialogue{389,
                 {"0\x1d\2\1\1w\x18\x80\x16"
                  "1.3.6.1.4.1.1466.20037"}}}) {
    PipelineRig rig;
    ClientStream stream(rig, d.port);
    stream.shake_hands();
    for (const std::string& line : d.lines) CHECK(stream.send(line).fate == Fate::Forward);
    const Buffer hello = tls_client_hello("bad.example", 1500);
    stream.send(slice_of(hello, 0, 1000));
    CHECK(stream.send(slice_of(hello, 1000, 5000)).order == rig.order("A-100"));
  }
}

TEST_CASE("filter: bytes in the middle of an upload that look like a ClientHello do not kill it") {
  for (const std::uint16_t port : {std::uint16_t{22}, std::uint16_t{25}, std::uint16_t{443}}) {
    PipelineRig rig;
    ClientStream upload(rig, port);
    upload.shake_hands();
    upload.send("SSH-2.0-client\r\n");
    CHECK(upload.send(tls_client_hello("bad.example")).fate == Fate::Forward);
    rig.wait_s(YoungFlows::kBegunIdle_s);
    CHECK(upload.send(tls_client_hello("bad.example")).fate == Fate::Forward);
    CHECK(upload.names().empty());
  }
}

TEST_CASE("filter: garbage sent first for the start of a stream does not hide what is sent there again") {
  PipelineRig rig;
  ClientStream tls(rig, 443);
  tls.shake_hands();
  tls.send_at(0, text_bytes("\r\n\x01garbage that the server never sees"));
  CHECK(tls.send_at(0, tls_client_hello("bad.example")).order == rig.order("A-100"));
  ClientStream decoy(rig, 443, 40001);
  decoy.shake_hands();
  decoy.send_at(0, tls_client_hello("fine.example"));
  const Buffer hello = tls_client_hello("bad.example", 1500);
  decoy.send_at(0, slice_of(hello, 0, 700));
  CHECK(decoy.send_at(700, slice_of(hello, 700, 5000)).order == rig.order("A-100"));
}

TEST_CASE("filter: the second ClientHello after HelloRetryRequest is no second name, unless it is another") {
  PipelineRig rig;
  ClientStream tls(rig, 443);
  tls.shake_hands();
  tls.send(tls_client_hello("a.example"));
  tls.send(joined({{20, 3, 3, 0, 1, 1}, tls_client_hello("a.example", 100)}));
  CHECK(tls.names() == Names{"a.example"});
  CHECK(tls.send(tls_client_hello("bad.example")).order == rig.order("A-100"));
  ClientStream far(rig, 443, 40001);
  far.shake_hands();
  far.send(tls_client_hello("a.example"));
  CHECK(far.send_at(70'000, tls_client_hello("bad.example")).fate == Fate::Forward);
}

TEST_CASE("filter: streams across the wrap of sequence numbers, with windows probed and ended in between") {
  PipelineRig rig;
  ClientStream tls(rig, 443, 40000, 0xfffffe00);
  tls.shake_hands();
  const Buffer hello = tls_client_hello("a.example", 1500);
  tls.send_at(700, slice_of(hello, 700, 700));
  for (const std::uint8_t flags : {std::uint8_t{0x14}, std::uint8_t{0x11}}) {  // RST, FIN: of no consequence here
    rig.one(tcp_frame(tls.ends(), {.seq = 7, .ack = 9, .flags = flags, .options = {}, .payload = {}}));
  }
  tls.send_at(0xffffffff, Buffer{0});  // keep-alive probe
  tls.send_at(0, slice_of(hello, 0, 700));
  tls.send_at(1400, slice_of(hello, 1400, 700));
  CHECK(tls.names() == Names{"a.example"});
}

}  // namespace
}  // namespace sluice
