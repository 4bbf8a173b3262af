#include "dataplane/reply/tcp_reset.h"

#include <array>
#include <catch2/catch.hpp>

#include "dataplane/packet/parse.h"
#include "dataplane/reply/http_451.h"
#include "tests/support/reply_reader.h"

namespace sluice {
namespace {

using namespace test;

constexpr unsigned kRstAck = 0x14, kPshFinAck = 0x19;

struct Built {
  std::array<std::uint8_t, 1024> bytes;
  std::size_t length;
  [[nodiscard]] ReadPacket read() const { return read_reply({bytes.data(), length}); }
};

template <class Build>
Built build(const Buffer& frame, Build&& make) {
  PacketView view;
  parse_packet(frame, LinkType::Ethernet, view);
  REQUIRE(view.cause == Cause::None);
  Built b;
  b.length = make(view, Paths{}, MutableBytes{b.bytes});
  return b;
}

Endpoints https(bool v6 = false) {
  Endpoints e = v6 ? Endpoints::v6() : Endpoints{};
  e.dst_port = 443;
  return e;
}

Segment hello() {
  Segment s;
  s.payload = tls_client_hello("bad.example");
  return s;
}

TEST_CASE("reset to the client: the sequence number the client expects, acknowledging what was dropped") {
  for (const bool v6 : {false, true}) {
    const ReadPacket p = build(tcp_frame(https(v6), hello()), build_reset_to_client).read();
    CHECK(p.flags == kRstAck);
    CHECK(p.seq == 5000);
    CHECK(p.ack == 1000 + hello().payload.size());
    CHECK(p.src == https(v6).dst);
    CHECK(p.src_port == 443);
    CHECK(p.dst_mac == Buffer{2, 0, 0, 0, 0, 1});
    CHECK(p.payload.empty());
  }
}

TEST_CASE("reset to the client: a trigger without ACK is answered as by a closed port") {
  Segment syn = hello();
  syn.flags = 0x02;
  syn.ack = 77;
  const ReadPacket p = build(tcp_frame(https(), syn), build_reset_to_client).read();
  CHECK(p.flags == kRstAck);
  CHECK(p.seq == 0);
  CHECK(p.ack == 1001 + syn.payload.size());
}

TEST_CASE("reset to the client: a FIN is acknowledged too, across the wrap of sequence numbers") {
  Segment s = hello();
  s.seq = 0xfffffff0;
  s.flags = 0x19;
  const ReadPacket p = build(tcp_frame(https(), s), build_reset_to_client).read();
  CHECK(p.ack == s.payload.size() - 16 + 1);
}

TEST_CASE("last segment: in mirror mode its timestamp is ahead of what the server may have sent meanwhile") {
  Segment s = hello();
  s.options = {1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 3, 0};
  Paths paths;
  paths.injection.emplace();
  const auto alert = [](const Paths& p) {
    return [&p](const PacketView& view, const Paths&, MutableBytes out) { return build_tls_alert(view, p, out); };
  };
  const ReadPacket mirrored = build(tcp_frame(https(), s), alert(paths)).read();
  CHECK(at32(mirrored.options, 4) == 0x300 + 10'000);
  CHECK(at32(mirrored.options, 8) == 5);
  CHECK(at32(build(tcp_frame(https(), s), build_tls_alert).read().options, 4) == 0x300);
}

TEST_CASE("reset to the server: goes on in place of the trigger, with its sequence number") {
  Endpoints e = https();
  e.tags = {0x8100};
  const ReadPacket p = build(tcp_frame(e, hello()), build_reset_to_server).read();
  CHECK(p.flags == kRstAck);
  CHECK(p.seq == 1000);
  CHECK(p.ack == 5000);
  CHECK(p.src == e.src);
  CHECK(p.dst_port == 443);
  CHECK(p.dst_mac == Buffer{2, 0, 0, 0, 0, 2});
  CHECK(p.ttl == e.ttl);
  CHECK(p.tags == e.tags);
}

TEST_CASE("reset to the server: none for a SYN, which is dropped before the server knows of it") {
  Segment syn = hello();
  syn.flags = 0x02;
  CHECK(build(tcp_frame(https(), syn), build_reset_to_server).length == 0);
}

TEST_CASE("alert: one segment with FIN, unrecognized_name, and timestamps that the client takes as the server's") {
  Segment s = hello();
  s.options = {1, 1, 8, 10, 0, 0, 0, 11, 0, 0, 0, 22};
  const ReadPacket p = build(tcp_frame(https(), s), build_tls_alert).read();
  CHECK(p.flags == kPshFinAck);
  CHECK(p.seq == 5000);
  CHECK(p.ack == 1000 + s.payload.size());
  CHECK(p.payload == Buffer{0x15, 3, 3, 0, 2, 2, 0x70});
  CHECK(p.options == Buffer{1, 1, 8, 10, 0, 0, 0, 22, 0, 0, 0, 11});
  s.options.clear();
  CHECK(build(tcp_frame(https(), s), build_tls_alert).read().options.empty());
  s.flags = 0x02;
  CHECK(build(tcp_frame(https(), s), build_tls_alert).length == 0);
}

TEST_CASE("alert: options that do not nest are passed over") {
  for (const Buffer& options : {Buffer{8, 10, 0, 0}, Buffer{8, 1, 8, 10}, Buffer{3, 0, 0, 0}, Buffer{0, 8, 10, 0}}) {
    Segment s = hello();
    s.options = options;
    CHECK(build(tcp_frame(https(), s), build_tls_alert).read().options.empty());
  }
}

const Http451Text kPage{.operator_url = "https://isp.example/blocked",
                        .order_id = "NCCIA-2026-00481",
                        .number = "481/2026",
                        .authority = "NCCIA",
                        .law = "PECA 2016",
                        .reason = "Block ordered",
                        .appeal_url = "https://appeals.example.pk/",
                        .expires = 1777593600};

std::string page(std::string_view request, const Http451Text& text) {
  Segment s;
  put(s.payload, request);
  const Built b = build(tcp_frame(https(), s), [&](const PacketView& view, const Paths& paths, MutableBytes out) {
    return build_http_451(view, text, paths, out);
  });
  REQUIRE(b.length > 0);
  const ReadPacket p = b.read();
  CHECK(p.flags == kPshFinAck);
  return {p.payload.begin(), p.payload.end()};
}

TEST_CASE("451: says who blocks, under which order, until when, and is not stored") {
  const std::string text = page("GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n", kPage);
  CHECK(text.starts_with("HTTP/1.1 451 Unavailable For Legal Reasons\r\n"));
  CHECK(text.find("Link: <https://isp.example/blocked>; rel=\"blocked-by\"\r\n") != std::string::npos);
  CHECK(text.find("Cache-Control: no-store\r\n") != std::string::npos);
  CHECK(text.find("Expires: 2026-05-01\n") != std::string::npos);
  CHECK(text.find("Order: NCCIA-2026-00481\n") != std::string::npos);
  CHECK(text.find("Appeal: https://appeals.example.pk/\n") != std::string::npos);
  const std::size_t body = text.find("\r\n\r\n") + 4;
  CHECK(text.find("Content-Length: " + std::to_string(text.size() - body) + "\r\n") != std::string::npos);
}

TEST_CASE("451: HEAD gets no body, and a URL cannot break out of its header") {
  CHECK(page("HEAD / HTTP/1.1\r\n\r\n", kPage).ends_with("\r\n\r\n"));
  Http451Text evil = kPage;
  evil.operator_url = "https://x/\r\nSet-Cookie: a=b";
  CHECK(page("GET / HTTP/1.1\r\n\r\n", evil).find("Link") == std::string::npos);
}

TEST_CASE("451: leap days and turns of the year are dated right") {
  const auto dated = [](std::int64_t when) {
    Http451Text text = kPage;
    text.expires = when;
    return page("GET / HTTP/1.1\r\n\r\n", text);
  };
  CHECK(dated(1709164800).find("Expires: 2024-02-29\n") != std::string::npos);
  CHECK(dated(1709251200).find("Expires: 2024-03-01\n") != std::string::npos);
  CHECK(dated(1767225599).find("Expires: 2025-12-31\n") != std::string::npos);
  CHECK(dated(1767225600).find("Expires: 2026-01-01\n") != std::string::npos);
}

}  // namespace
}  // namespace sluice
