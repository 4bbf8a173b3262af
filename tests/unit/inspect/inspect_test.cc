#include "control/ctl/inspect/inspect.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "rules/text/bundle_jsonl.h"
#include "rules/text/rfc3339.h"
#include "tests/support/made_packets.h"
#include "tests/support/temp_folder.h"

using namespace sluice;
using test::Buffer;

namespace {

constexpr std::uint32_t kStart = 1795309323;  // 2026-11-22T01:02:03Z

void put_le32(Buffer& b, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) b.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

/// A pcap file (draft-ietf-opsawg-pcap) of microseconds: a frame each millisecond.
std::string pcap(std::uint32_t link, const std::vector<Buffer>& frames) {
  Buffer b;
  for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 262144U, link}) put_le32(b, word);
  std::uint32_t micros = 4;
  for (const Buffer& frame : frames) {
    const auto length = static_cast<std::uint32_t>(frame.size());
    for (const std::uint32_t word : {kStart, micros, length, length}) put_le32(b, word);
    b.insert(b.end(), frame.begin(), frame.end());
    micros += 1000;
  }
  return {b.begin(), b.end()};
}

Buffer query(const std::string& name) {
  test::DnsAsk ask;
  ask.names = {name};
  return test::dns_query_frame(ask);
}

Buffer without_ethernet(const Buffer& frame, Buffer header = {}) {
  header.insert(header.end(), frame.begin() + 14, frame.end());
  return header;
}

Buffer hello_frame(std::string_view name) {
  test::Endpoints e;
  e.dst_port = 443;
  test::Segment segment;
  segment.payload = test::tls_client_hello(name);
  return test::tcp_frame(e, segment);
}

struct Output {
  int result = 0;
  std::string out, err;
};

Output inspect(const InspectOptions& options) {
  Output got;
  char* text[2] = {};
  std::size_t size[2] = {};
  std::FILE* out = open_memstream(&text[0], &size[0]);
  std::FILE* err = open_memstream(&text[1], &size[1]);
  got.result = run_inspect(options, out, err);
  std::fclose(out);
  std::fclose(err);
  got.out.assign(text[0], size[0]);
  got.err.assign(text[1], size[1]);
  std::free(text[0]);
  std::free(text[1]);
  return got;
}

Output inspect_bytes(const std::string& capture, const std::string& bundle = {},
                     InspectOptions::Format format = InspectOptions::Format::Jsonl) {
  const test::TempFolder folder;
  InspectOptions options{.file = folder.write("capture", capture)};
  options.format = format;
  if (!bundle.empty()) options.bundle = folder.write("bundle", bundle);
  return inspect(options);
}

std::string bundle_of(std::string_view name) {
  Order order;
  order.id = "AAA-2026-1";
  order.number = "1";
  order.authority = "A";
  order.law = "L";
  order.reason = {{"en", "R"}};
  order.appeal_email = "a@example.org";
  order.effective = *parse_rfc3339("2026-11-02T00:00:00Z");
  order.expires = *parse_rfc3339("2027-05-01T00:00:00Z");
  Snapshot snapshot;
  snapshot.header = {.feed = "pta.example/terror",
                     .epoch = 1,
                     .seq = 1,
                     .issued = order.effective,
                     .expires = order.effective + 86400,
                     .prev_sha256 = {},
                     .root = 1};
  snapshot.orders = {{order, {NameTarget{*canonical_name(name), Scope::Subtree}}}};
  return write_snapshot(snapshot);
}

}  // namespace

TEST_CASE("inspect: one object for each name, in the order of the frames") {
  const Output got = inspect_bytes(pcap(1, {query("News.Example.org"), Buffer(60, 0), hello_frame("www.example.net")}));
  CHECK(got.result == 0);
  CHECK(got.err.empty());
  CHECK(got.out ==
        R"({"frame":1,"time":"2026-11-22T01:02:03.000004000Z","proto":"dns","name":"news.example.org","qtype":"A"})"
        "\n"
        R"({"frame":3,"time":"2026-11-22T01:02:03.002004000Z","proto":"tls","name":"www.example.net"})"
        "\n");
}

TEST_CASE("inspect: a bundle adds the verdict, with the order and the target that matched") {
  const std::string capture = pcap(1, {query("a.news.example.org"), query("example.org")});
  const Output json = inspect_bytes(capture, bundle_of("news.example.org"));
  CHECK(json.result == 0);
  CHECK_THAT(json.out,
             Catch::Contains(R"("name":"a.news.example.org","qtype":"A","verdict":"blocked",)"
                             R"("feed":"pta.example/terror","order":"AAA-2026-1","target":"news.example.org"})"));
  CHECK_THAT(json.out, Catch::Contains(R"("name":"example.org","qtype":"A","verdict":"allowed"})"));
  const Output text = inspect_bytes(capture, bundle_of("news.example.org"), InspectOptions::Format::Text);
  CHECK(text.out ==
        "1 2026-11-22T01:02:03.000004000Z dns a.news.example.org A blocked pta.example/terror AAA-2026-1 "
        "news.example.org\n"
        "2 2026-11-22T01:02:03.001004000Z dns example.org A allowed\n");
}

TEST_CASE("inspect: orders are judged as of the packets' time, or as of the time asked for") {
  const test::TempFolder folder;
  InspectOptions options{.file = folder.write("capture", pcap(1, {query("example.org")}))};
  options.bundle = folder.write("bundle", bundle_of("example.org"));
  CHECK_THAT(inspect(options).out, Catch::Contains("blocked"));
  options.at = *parse_rfc3339("2026-11-01T23:59:59Z");
  CHECK_THAT(inspect(options).out, Catch::Contains("allowed"));
}

TEST_CASE("inspect: reads every link type that it names") {
  const Buffer frame = query("a.example");
  const Buffer sll{0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0};
  const Buffer sll2{8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0};
  for (const auto& [link, header] : std::vector<std::pair<std::uint32_t, Buffer>>{
           {101, {}}, {228, {}}, {0, {2, 0, 0, 0}}, {108, {0, 0, 0, 2}}, {113, sll}, {276, sll2}}) {
    CAPTURE(link);
    const Output got = inspect_bytes(pcap(link, {without_ethernet(frame, header)}));
    CHECK(got.result == 0);
    CHECK_THAT(got.out, Catch::Contains(R"("name":"a.example")"));
  }
}

TEST_CASE("inspect: a link type without names is a warning") {
  const Output got = inspect_bytes(pcap(105, {Buffer(60, 1)}));
  CHECK(got.result == 0);
  CHECK(got.out.empty());
  CHECK_THAT(got.err, Catch::Contains("IEEE802_11"));
}

TEST_CASE("inspect: a handshake that is sent again is shown once") {
  const Output got = inspect_bytes(pcap(1, {hello_frame("a.example"), hello_frame("a.example")}));
  CHECK(std::count(got.out.begin(), got.out.end(), '\n') == 1);
}

TEST_CASE("inspect: a capture that ends inside its last frame is read up to there, with a warning") {
  const std::string whole = pcap(1, {query("a.example"), query("b.example")});
  const Output got = inspect_bytes(whole.substr(0, whole.size() - 5));
  CHECK(got.result == 0);
  CHECK_THAT(got.out, Catch::Contains("a.example") && !Catch::Contains("b.example"));
  CHECK_THAT(got.err, Catch::Contains("warning: after frame 1"));
}

TEST_CASE("inspect: an empty capture is one, an empty file is none") {
  CHECK(inspect_bytes(pcap(1, {})).result == 0);
  for (const std::string& other : {std::string(), std::string("GET / HTTP/1.1\r\n"), std::string(1000, '\0')}) {
    const Output got = inspect_bytes(other);
    CHECK(got.result == 1);
    CHECK_THAT(got.err, Catch::Contains("not a capture"));
  }
  CHECK(inspect({.file = "/nonexistent/capture"}).result == 1);
}

TEST_CASE("inspect: what is no frame in the middle of a file is an error, after what came before it") {
  std::string broken = pcap(1, {query("a.example")});
  broken += std::string(8, '\0') + std::string(8, '\xff') + std::string(100, 'x');
  const Output got = inspect_bytes(broken);
  CHECK(got.result == 1);
  CHECK_THAT(got.out, Catch::Contains("a.example"));
  CHECK_THAT(got.err, Catch::Contains("error: after frame 1"));
}

TEST_CASE("inspect: a bundle that is none is an error with its place") {
  const Output got = inspect_bytes(pcap(1, {}), "{\"schema\":1}\n");
  CHECK(got.result == 1);
  CHECK_THAT(got.err, Catch::Contains("bundle:1:"));
}

TEST_CASE("inspect: says when its output cannot be written") {
  const test::TempFolder folder;
  std::FILE* full = std::fopen("/dev/full", "w");
  REQUIRE(full != nullptr);
  CHECK(run_inspect({.file = folder.write("capture", pcap(1, {query("a.example")}))}, full, stderr) == 1);
  std::fclose(full);
}

TEST_CASE("inspect: more frames than a burst, and times that go back, lose nothing") {
  std::vector<Buffer> frames;
  for (int i = 0; i < 500; ++i) frames.push_back(query("n" + std::to_string(i) + ".example"));
  std::string capture = pcap(1, frames);
  const Output got = inspect_bytes(capture + pcap(1, frames).substr(24));
  CHECK(std::count(got.out.begin(), got.out.end(), '\n') == 1000);
  CHECK_THAT(got.out, Catch::Contains(R"({"frame":1000,)"));
}
