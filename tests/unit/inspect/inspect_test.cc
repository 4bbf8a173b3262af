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

namespace {

/// A pcapng file, block by block, in either byte order.
class PcapngBytes {
 public:
  explicit PcapngBytes(bool big_endian = false) : big_endian_(big_endian) {
    block(0x0a0d0d0a, [&] {
      put(0x1a2b3c4d, 4);
      put(1, 2);
      put(0, 2);
      put(~std::uint64_t{0}, 8);  // length of the section: not given
    });
  }
  PcapngBytes& interface(unsigned link, int resolution = -1) {
    return block(1, [&] {
      put(link, 2);
      put(0, 2);
      put(65535, 4);
      if (resolution < 0) return;
      put(9, 2);
      put(1, 2);
      put(big_endian_ ? static_cast<std::uint64_t>(resolution) << 24 : static_cast<std::uint64_t>(resolution), 4);
      put(0, 4);
    });
  }
  PcapngBytes& packet(std::uint32_t interface, std::uint64_t time, const Buffer& frame) {
    return block(6, [&] {
      put(interface, 4);
      put(time >> 32, 4);
      put(time, 4);
      put(frame.size(), 4);
      put(frame.size(), 4);
      bytes_.append(frame.begin(), frame.end());
    });
  }
  PcapngBytes& simple_packet(const Buffer& frame) {
    return block(3, [&] {
      put(frame.size(), 4);
      bytes_.append(frame.begin(), frame.end());
    });
  }
  PcapngBytes& other(std::uint32_t type, std::size_t bytes) {
    return block(type, [&] { bytes_.append(bytes, 'x'); });
  }
  PcapngBytes& append(const PcapngBytes& section) { return bytes_ += section.bytes_, *this; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void put(std::uint64_t v, unsigned n) {
    for (unsigned i = 0; i < n; ++i) bytes_ += static_cast<char>(v >> (8 * (big_endian_ ? n - 1 - i : i)));
  }
  template <class Body>
  PcapngBytes& block(std::uint32_t type, Body&& body) {
    put(type, 4);
    const std::size_t length_at = bytes_.size();
    put(0, 4);
    body();
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
    const std::size_t total = bytes_.size() - length_at + 8;
    put(total, 4);
    bytes_.replace(length_at, 4, bytes_.substr(bytes_.size() - 4));
    return *this;
  }

  bool big_endian_;
  std::string bytes_;
};

constexpr std::uint64_t kStartMicros = std::uint64_t{kStart} * 1'000'000;

}  // namespace

TEST_CASE("inspect: pcapng with interfaces that differ in link type and resolution, and sections in byte order") {
  PcapngBytes file;
  file.interface(1).interface(101, 9).interface(105).other(5, 40);
  file.packet(0, kStartMicros + 7, query("a.example"));
  file.packet(1, std::uint64_t{kStart} * 1'000'000'000 + 7, without_ethernet(query("b.example")));
  file.packet(2, kStartMicros, Buffer(50, 1)).simple_packet(query("c.example"));
  file.append(
      PcapngBytes(true).interface(1, 0x80 | 10).packet(0, std::uint64_t{kStart} << 10 | 512, query("d.example")));
  const Output got = inspect_bytes(file.bytes(), {}, InspectOptions::Format::Text);
  CHECK(got.result == 0);
  CHECK(got.out ==
        "1 2026-11-22T01:02:03.000007000Z dns a.example A\n"
        "2 2026-11-22T01:02:03.000000007Z dns b.example A\n"
        "4 1970-01-01T00:00:00.000000000Z dns c.example A\n"
        "5 2026-11-22T01:02:03.500000000Z dns d.example A\n");
  CHECK_THAT(got.err, Catch::Contains("IEEE802_11"));
}

TEST_CASE("inspect: pcapng that is cut is read up to there, one that is broken is an error") {
  const std::string first = PcapngBytes().interface(1).packet(0, kStartMicros, query("a.example")).bytes();
  PcapngBytes two;
  two.interface(1).packet(0, kStartMicros, query("a.example")).packet(0, kStartMicros, query("b.example"));
  for (std::size_t n = first.size() + 1; n < two.bytes().size(); ++n) {
    const Output got = inspect_bytes(two.bytes().substr(0, n));
    REQUIRE(got.result == 0);
    REQUIRE_THAT(got.out, Catch::Contains("a.example") && !Catch::Contains("b.example"));
    REQUIRE_THAT(got.err, Catch::Contains("warning: after frame 1"));
  }
  const auto broken = [&](const std::string& tail) { return inspect_bytes(first + tail).result == 1; };
  CHECK(broken(PcapngBytes().packet(0, kStartMicros, query("b.example")).bytes()));  // no interface
  CHECK(broken(std::string("\6\0\0\0\4\0\0\0\4\0\0\0", 12)));                        // length under its own frame
  CHECK(broken(std::string("\6\0\0\0\0\0\0\x7f", 8)));                               // 2 GB
  CHECK(broken(std::string("\5\0\0\0\x0c\0\0\0\x10\0\0\0", 12)));                    // lengths that differ
  CHECK(broken(std::string("\x0a\x0d\x0d\x0a\x1c\0\0\0abcd", 12)));                  // no byte order
  CHECK_FALSE(broken({}));
}

TEST_CASE("inspect: a name beside encrypted_client_hello is told to be the outer one") {
  test::Segment segment;
  segment.payload = test::tls_client_hello("public.example", 300);
  Buffer frame = test::tcp_frame({}, segment);
  constexpr std::size_t kFirstExtension = 54 + 5 + 4 + 2 + 32 + 1 + 4 + 2 + 2;
  frame[kFirstExtension] = 0xfe;
  frame[kFirstExtension + 1] = 0x0d;
  CHECK_THAT(inspect_bytes(pcap(1, {frame})).out, Catch::Contains(R"("name":"public.example","outer":true)"));
  CHECK_THAT(inspect_bytes(pcap(1, {frame}), {}, InspectOptions::Format::Text).out,
             Catch::Contains(" tls public.example outer\n"));
  CHECK_THAT(inspect_bytes(pcap(1, {hello_frame("public.example")})).out, !Catch::Contains("outer"));
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
