// Streams that are not what their first bytes say, and streams whose first bytes were not seen.
#include <catch2/catch.hpp>

#include "tests/support/client_stream.h"

namespace sluice {
namespace {

using namespace test;
using Names = std::vector<std::string>;

Buffer get(std::string_view host) {
  return text_bytes("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
}
PipelineLimits long_streams() {
  PipelineLimits limits = PipelineRig::small_limits();
  limits.half_bytes_per_flow = 64 << 10;
  return limits;
}
bool blocks(const PipelineRig& rig, const Verdict& verdict) {
  return verdict.fate == Fate::Drop && verdict.order == rig.order("A-100");
}

/// A handshake message in records of at most `most` bytes.
Buffer in_records(Bytes message, std::size_t most) {
  Buffer records;
  for (std::size_t at = 0; at < message.size(); at += most) {
    const Bytes part = message.subspan(at, std::min(most, message.size() - at));
    put(records, Bytes(Buffer{22, 3, 1}));
    put16(records, static_cast<unsigned>(part.size()));
    put(records, part);
  }
  return records;
}

/// Sends `decoy` for the start of a stream, then `real` in two segments, behind it or in its place.
bool read_after(std::uint16_t port, const Buffer& decoy, const Buffer& real, bool in_its_place) {
  PipelineRig rig;
  ClientStream stream(rig, port);
  stream.shake_hands();
  CHECK(stream.send(decoy).fate == Fate::Forward);
  const auto at = static_cast<std::uint32_t>(in_its_place ? 0 : decoy.size());
  CHECK(stream.send_at(at, slice_of(real, 0, 30)).fate == Fate::Forward);
  return blocks(rig, stream.send_at(at + 30, slice_of(real, 30, 5000)));
}

TEST_CASE("decoy: a ClientHello is read after a request or a query, and in the place of one") {
  const Buffer hello = tls_client_hello("bad.example", 800);
  for (const bool in_its_place : {false, true}) {
    CAPTURE(in_its_place);
    CHECK(read_after(443, get("fine.example"), hello, in_its_place));
    CHECK(read_after(53, dns_over_tcp("fine.example"), hello, in_its_place));
    CHECK(read_after(443, text_bytes("GET / HTTP/1.1\r\nHo"), hello, in_its_place) == in_its_place);  // a cut head
  }
}

TEST_CASE("decoy: a request or a query is read after a ClientHello, and in the place of one") {
  const Buffer hello = tls_client_hello("fine.example", 800);
  for (const bool in_its_place : {false, true}) {
    CAPTURE(in_its_place);
    CHECK(read_after(443, hello, get("bad.example"), in_its_place));
    PipelineRig rig;
    ClientStream dns(rig, 53);
    dns.shake_hands();
    dns.send(hello);
    CHECK(blocks(rig, dns.send_at(in_its_place ? 0 : 900, dns_over_tcp("bad.example"))));
  }
}

TEST_CASE("decoy: what lies far from the stream whose SYN was seen is read, and changes nothing of that stream") {
  const Buffer fine = tls_client_hello("fine.example", 800), bad = tls_client_hello("bad.example", 800);
  PipelineRig rig;
  ClientStream stream(rig, 443);
  stream.shake_hands();
  stream.send_at(5'000'000, slice_of(fine, 0, 500));
  stream.send_at(9'000'000, fine);
  CHECK(stream.names() == Names{"fine.example"});
  stream.send_at(0, slice_of(bad, 0, 500));
  CHECK(blocks(rig, stream.send_at(500, slice_of(bad, 500, 5000))));
  ClientStream other(rig, 443, 40001);  // its SYN was the decoy
  other.shake_hands();
  other.send_at(5'000'000, slice_of(bad, 0, 500));
  CHECK(blocks(rig, other.send_at(5'000'500, slice_of(bad, 500, 5000))));
}

TEST_CASE("start not seen: bytes in an upload that look like a ClientHello do not kill it") {
  PipelineRig rig;
  ClientStream upload(rig, 443);
  upload.send(Buffer(500, 'x'));
  CHECK(upload.send(tls_client_hello("bad.example")).fate == Fate::Forward);
  CHECK(upload.send(slice_of(tls_client_hello("bad.example", 2000), 0, 1000)).cause == Cause::None);
  CHECK(upload.names().empty());
}

TEST_CASE("start not seen: what is seen first is read, and so are later requests, and TLS that was asked for") {
  PipelineRig rig;
  ClientStream tls(rig, 443, 40001);
  tls.send(Buffer{0});  // a keep-alive probe tells nothing
  CHECK(blocks(rig, tls.send_at(0, tls_client_hello("bad.example"))));
  ClientStream http(rig, 80, 40002);
  http.send(Buffer(500, 'x'));
  CHECK(blocks(rig, http.send(get("bad.example"))));
  ClientStream mail(rig, 25, 40003);
  mail.send("EHLO me.example\r\n");
  mail.send("STARTTLS\r\n");
  CHECK(blocks(rig, mail.send(tls_client_hello("bad.example"))));
  ClientStream dns(rig, 53, 40004);
  dns.send(slice_of(dns_over_tcp("a.example"), 9, 100));
  CHECK(blocks(rig, dns.send(dns_over_tcp("bad.example"))));
}

TEST_CASE("TLS: a ClientHello of up to 64 KiB is read in any order, a longer one is a row of the policy table") {
  const PipelineLimits limits = long_streams();
  const Buffer hello = tls_client_hello("bad.example", 50'000);  // in one record, which no TLS allows
  const Buffer records = in_records(slice_of(hello, 5, hello.size()), 9000);
  for (const bool reversed : {false, true}) {
    PipelineRig rig(PipelineRig::enforcing(), PipelineRig::example_feeds(), limits);
    ClientStream tls(rig, 443);
    tls.shake_hands();
    Verdict last;
    std::size_t dropped = 0;
    for (std::size_t n = 0; n * 1400 < records.size(); ++n) {
      const std::size_t at = (reversed ? (records.size() - 1) / 1400 - n : n) * 1400;
      last = tls.send_at(static_cast<std::uint32_t>(at), slice_of(records, at, 1400));
      dropped += last.fate == Fate::Drop ? 1 : 0;
    }
    CHECK(blocks(rig, last));
    CHECK(dropped == 1);
  }
  PipelineRig rig(PipelineRig::enforcing(), PipelineRig::example_feeds(), limits);
  ClientStream tls(rig, 443);
  tls.shake_hands();
  Buffer endless{1, 0, 0xff, 0xf0, 3, 3};  // cipher suites and nothing else
  endless.resize(6 + 32 + 1, 0);
  put16(endless, 0xff80);
  endless.resize(4 + 0xfff0, 0);
  endless = in_records(endless, 100);
  std::size_t too_long = 0;
  for (std::size_t at = 0; at < endless.size(); at += 1400) {
    const Verdict v = tls.send(slice_of(endless, at, 1400));
    CHECK(v.fate == Fate::Forward);
    too_long += v.cause == Cause::TlsTooLong ? 1 : 0;
  }
  CHECK(too_long == 1);
}

TEST_CASE("HTTP: a head of more than 16 KiB without a host is a row of the policy table") {
  PipelineRig rig(PipelineRig::enforcing(), PipelineRig::example_feeds(), long_streams());
  ClientStream http(rig, 80);
  http.shake_hands();
  http.send("GET / HTTP/1.1\r\n");
  std::size_t too_long = 0;
  for (int i = 0; i < 20; ++i) {
    too_long += http.send("X: " + std::string(995, 'x') + "\r\n").cause == Cause::HttpTooLong ? 1 : 0;
  }
  CHECK(too_long == 1);
  CHECK(blocks(rig, http.send(get("bad.example"))));
}

TEST_CASE("TLS: the second ClientHello is read also where the first one had no name") {
  PipelineRig rig;
  ClientStream tls(rig, 443);
  tls.shake_hands();
  CHECK(tls.send(tls_client_hello("")).cause == Cause::TlsNoSni);
  CHECK(blocks(rig, tls.send(joined({{20, 3, 3, 0, 1, 1}, tls_client_hello("bad.example", 100)}))));
}

}  // namespace
}  // namespace sluice
