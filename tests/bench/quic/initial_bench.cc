#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "dataplane/http/request.h"
#include "dataplane/quic/connection.h"
#include "dataplane/quic/initial.h"
#include "tests/support/quic_sealer.h"
#include "tests/support/udp_datagram.h"

using namespace sluice;

namespace {

test::ByteVector initial_of(std::uint8_t id) {
  const test::ByteVector hello = test::client_hello("news.example.org", 300);
  const test::ByteVector dcid(8, id);
  test::InitialToSeal initial{
      .keys_from = dcid, .dcid = dcid, .scid = {}, .token = {}, .frames = {}, .pad_frames_to = 1160};
  test::append_crypto(initial.frames, 0, hello);
  return test::seal(initial);
}

// Keys of a new connection, and its 1200-byte Initial opened.
void derive_and_open(benchmark::State& state) {
  const test::ByteVector datagram = initial_of(1);
  InitialOpener opener;
  std::vector<std::uint8_t> plain(datagram.size());
  for (auto _ : state) {
    Cursor c{Bytes(datagram)};
    InitialPacket packet;
    QuicNext next;
    InitialKeys keys;
    InitialOpener::Opened opened;
    (void)next_packet(c, packet, next);
    opener.derive(packet.version, packet.dcid, QuicSender::Client, keys);
    if (!opener.open(packet, keys, 0, plain, opened)) state.SkipWithError("not opened");
  }
}
BENCHMARK(derive_and_open);

// Datagram to name, each of a new connection.
void read_new_connection(benchmark::State& state) {
  std::vector<test::UdpDatagram> datagrams;
  for (unsigned i = 0; i < 1024; ++i) {
    datagrams.emplace_back(
        std::array<std::uint8_t, 4>{10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)},
        std::uint16_t{50000}, std::array<std::uint8_t, 4>{192, 0, 2, 1}, std::uint16_t{443},
        initial_of(static_cast<std::uint8_t>(i)));
  }
  QuicReader reader({}, 1);
  const auto name = std::make_unique<WireName>();
  std::uint64_t now_ns = 1'000'000'000;
  std::size_t i = 0;
  for (auto _ : state) {
    now_ns += 100'000'000;  // a connection comes again after 102 s: forgotten by then
    if (reader.read(datagrams[i++ % 1024].view(), now_ns, *name) != Cause::None) state.SkipWithError("no name");
  }
}
BENCHMARK(read_new_connection);

// UDP that is not QUIC.
void pass_other_udp(benchmark::State& state) {
  const test::UdpDatagram datagram({10, 0, 0, 1}, 50000, {192, 0, 2, 1}, 443, test::ByteVector(1200, 0x45));
  QuicReader reader({}, 1);
  const auto name = std::make_unique<WireName>();
  for (auto _ : state) benchmark::DoNotOptimize(reader.read(datagram.view(), 1, *name));
}
BENCHMARK(pass_other_udp);

void read_http_request(benchmark::State& state) {
  const std::string_view head =
      "GET /a/path?query=1 HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: "
      "text/html,application/xhtml+xml\r\nAccept-Language: en\r\nAccept-Encoding: gzip, deflate\r\nConnection: "
      "keep-alive\r\n\r\n";
  const auto request = std::make_unique<HttpRequest>();
  for (auto _ : state) {
    benchmark::DoNotOptimize(read_request({reinterpret_cast<const std::uint8_t*>(head.data()), head.size()}, *request));
  }
}
BENCHMARK(read_http_request);

}  // namespace
BENCHMARK_MAIN();
