#include "dataplane/quic/connection.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include "tests/support/allocations.h"
#include "tests/support/mutations.h"
#include "tests/support/quic_sealer.h"
#include "tests/support/udp_datagram.h"

using namespace sluice;
using test::ByteVector;
using test::client_hello;

namespace {

constexpr std::array<std::uint8_t, 4> kClient{192, 0, 2, 1};
constexpr std::array<std::uint8_t, 4> kServer{198, 51, 100, 1};
const ByteVector kFirstId{1, 2, 3, 4, 5, 6, 7, 8};
const ByteVector kClientId{9, 9};
const ByteVector kServerId{20, 21, 22, 23, 24};
constexpr std::uint64_t kSecond = 1'000'000'000;

// Also counts what OpenSSL takes. It must be told before its first allocation.
std::uint64_t openssl_allocations = 0;
const bool kCounting =
    CRYPTO_set_mem_functions(
        [](std::size_t n, const char*, int) { return ++openssl_allocations, std::malloc(n); },
        [](void* p, std::size_t n, const char*, int) { return ++openssl_allocations, std::realloc(p, n); },
        [](void* p, const char*, int) { std::free(p); }) == 1;

struct Seen {
  Cause cause;
  std::string name;
  bool repeated;
};

/// A reader, and a client's socket that talks to it.
struct Wire {
  explicit Wire(QuicLimits limits = {}) : reader(limits, 42) {}

  Seen to_server(const ByteVector& datagram, std::uint16_t client_port = 50000) {
    return read(test::UdpDatagram(kClient, client_port, kServer, 443, datagram));
  }
  Seen to_client(const ByteVector& datagram) { return read(test::UdpDatagram(kServer, 443, kClient, 50000, datagram)); }
  Seen read(const test::UdpDatagram& datagram) {
    const Cause cause = reader.read(datagram.view(), now_ns, *name);
    return {cause, std::string(name->text()), reader.repeated()};
  }

  QuicReader reader;
  std::unique_ptr<WireName> name = std::make_unique<WireName>();
  std::uint64_t now_ns = kSecond;
};

/// An Initial of the connection with a piece of its ClientHello.
test::InitialToSeal initial_with(const ByteVector& hello, std::size_t from, std::size_t to) {
  test::InitialToSeal initial{
      .keys_from = kFirstId, .dcid = kFirstId, .scid = kClientId, .token = {}, .frames = {}, .pad_frames_to = 1000};
  test::append_crypto(initial.frames, from, Bytes(hello).subspan(from, to - from));
  return initial;
}
ByteVector whole(std::string_view name) {
  const ByteVector hello = client_hello(name);
  return test::seal(initial_with(hello, 0, hello.size()));
}

void check_name(const Seen& seen, std::string_view name, bool repeated = false) {
  CHECK(seen.cause == Cause::None);
  CHECK(seen.name == name);
  CHECK(seen.repeated == repeated);
}

}  // namespace

TEST_CASE("quic: reads the name of a ClientHello in one Initial") {
  Wire wire;
  check_name(wire.to_server(whole("News.example.org")), "news.example.org");
}

TEST_CASE("quic: reads a ClientHello over two Initials in either order") {
  const ByteVector hello = client_hello("news.example.org", 1700);
  ByteVector first = test::seal(initial_with(hello, 0, 900));
  auto rest = initial_with(hello, 900, hello.size());
  rest.number = 1;
  ByteVector second = test::seal(rest);
  for (int order = 0; order < 2; ++order) {
    Wire wire;
    CHECK(wire.to_server(first).cause == Cause::QuicIncomplete);
    check_name(wire.to_server(second), "news.example.org");
    std::swap(first, second);
  }
}

TEST_CASE("quic: an Initial under the server's ID is opened with the keys of the first one") {
  const ByteVector hello = client_hello("news.example.org", 1700);
  Wire wire;
  CHECK(wire.to_server(test::seal(initial_with(hello, 0, 900))).cause == Cause::QuicIncomplete);
  auto rest = initial_with(hello, 900, hello.size());
  rest.dcid = kServerId;
  rest.number = 1;
  CHECK(wire.to_server(test::seal(rest), 50001).cause == Cause::QuicNoKeys);  // another client's port
  check_name(wire.to_server(test::seal(rest)), "news.example.org");
}

TEST_CASE("quic: a retransmitted ClientHello gives its name again, as repeated") {
  Wire wire;
  check_name(wire.to_server(whole("a.example")), "a.example");
  auto again = initial_with(client_hello("a.example"), 0, client_hello("a.example").size());
  again.number = 1;
  check_name(wire.to_server(test::seal(again)), "a.example", true);
  again.dcid = kServerId;
  check_name(wire.to_server(test::seal(again)), "a.example", true);
}

TEST_CASE("quic: after a Retry the keys come from its ID, and the name is a repeated one") {
  Wire wire;
  check_name(wire.to_server(whole("a.example")), "a.example");
  const ByteVector hello = client_hello("a.example");
  auto retried = initial_with(hello, 0, hello.size());
  retried.dcid = retried.keys_from = kServerId;
  retried.token = {1, 2, 3};
  check_name(wire.to_server(test::seal(retried)), "a.example", true);
  retried.scid = {7};  // no client changes its own ID there: another connection
  retried.dcid = retried.keys_from = ByteVector(8, 77);
  check_name(wire.to_server(test::seal(retried)), "a.example");
}

TEST_CASE("quic: several connections on the same addresses and ports are kept apart") {
  Wire wire;
  std::vector<ByteVector> hellos;
  for (int i = 0; i < 5; ++i) hellos.push_back(client_hello("n" + std::to_string(i) + ".example", 1500));
  const auto piece = [&](std::size_t i, std::size_t from, std::size_t to) {
    auto initial = initial_with(hellos[i], from, to);
    initial.keys_from = initial.dcid = ByteVector(8, static_cast<std::uint8_t>(i));
    if (from != 0) initial.dcid = kServerId;
    return test::seal(initial);
  };
  for (std::size_t i = 0; i < 5; ++i) CHECK(wire.to_server(piece(i, 0, 1000)).cause == Cause::QuicIncomplete);
  for (std::size_t i = 5; i-- > 0;) {
    check_name(wire.to_server(piece(i, 1000, hellos[i].size())), "n" + std::to_string(i) + ".example");
  }
}

TEST_CASE("quic: a server's Initial costs no attempt where its client is known, and never opens") {
  const ByteVector hello = client_hello("a.example");
  auto answer = initial_with(hello, 0, hello.size());
  answer.from_server = true;
  answer.dcid = kClientId;
  answer.scid = kServerId;
  Wire wire;
  CHECK(wire.to_client(test::seal(answer)).cause == Cause::QuicNoKeys);
  check_name(wire.to_server(whole("a.example")), "a.example");
  CHECK(wire.to_client(test::seal(answer)).cause == Cause::QuicNotInitial);
}

TEST_CASE("quic: Initials coalesced in one datagram are all read, and others between them passed over") {
  const ByteVector hello = client_hello("news.example.org", 300);
  auto a = initial_with(hello, 0, 200);
  auto b = initial_with(hello, 200, hello.size());
  a.pad_frames_to = b.pad_frames_to = 0;
  ByteVector datagram = test::seal(a);
  for (const ByteVector& next : {test::from_hex("d00000000100000401020304"), test::seal(b), ByteVector(40, 0)}) {
    datagram.insert(datagram.end(), next.begin(), next.end());
  }
  Wire wire;
  check_name(wire.to_server(datagram), "news.example.org");
}

TEST_CASE("quic: a handshake that changes its version on the way is read (RFC 9368)") {
  const ByteVector hello = client_hello("news.example.org", 1700);
  Wire wire;
  CHECK(wire.to_server(test::seal(initial_with(hello, 0, 900))).cause == Cause::QuicIncomplete);
  auto rest = initial_with(hello, 900, hello.size());
  rest.version = 0x6b3343cf;
  rest.dcid = kServerId;
  check_name(wire.to_server(test::seal(rest)), "news.example.org");
}

TEST_CASE("quic: a ClientHello in single bytes, shuffled, with the fixed bit greased") {
  const ByteVector hello = client_hello("news.example.org");
  std::vector<std::size_t> order(hello.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  test::InitialToSeal initial{
      .keys_from = kFirstId, .dcid = kFirstId, .scid = {}, .token = {}, .fixed_bit = false, .frames = {}};
  for (const std::size_t i : order) test::append_crypto(initial.frames, i, {&hello[i], 1});
  Wire wire;
  check_name(wire.to_server(test::seal(initial)), "news.example.org");
}

TEST_CASE("quic: what follows the ClientHello is nothing new") {
  Wire wire;
  const ByteVector hello = client_hello("a.example");
  check_name(wire.to_server(whole("a.example")), "a.example");
  auto ack = initial_with(hello, 0, 0);
  ack.frames = {2, 0, 0, 0, 0};
  ack.number = 1;
  CHECK(wire.to_server(test::seal(ack)).cause == Cause::QuicNotInitial);
}

TEST_CASE(
    "quic: the second ClientHello after a HelloRetryRequest is read where the first one ended, whatever came of that") {
  for (const bool named : {true, false}) {
    Wire wire;
    ByteVector first = client_hello("a.example");
    if (!named) first[4 + 2 + 32 + 1 + 4 + 2 + 2 + 1] = 0x7f;  // type of its only extension
    CHECK(wire.to_server(test::seal(initial_with(first, 0, first.size()))).cause ==
          (named ? Cause::None : Cause::TlsNoSni));
    std::uint64_t number = 1;
    const auto retry = [&](const ByteVector& hello, std::size_t from, std::size_t to) {
      auto initial = initial_with(hello, 0, 0);
      initial.frames.clear();
      initial.dcid = kServerId;
      initial.number = number++;
      test::append_crypto(initial.frames, first.size() + from, Bytes(hello).subspan(from, to - from));
      return wire.to_server(test::seal(initial));
    };
    const ByteVector same = client_hello("a.example", 30);
    check_name(retry(same, 0, same.size()), "a.example", named);
    const ByteVector other = client_hello("bad.example", 1500);
    first.insert(first.end(), same.begin(), same.end());
    CHECK(retry(other, 900, other.size()).cause == Cause::QuicIncomplete);
    check_name(retry(other, 0, 1000), "bad.example");
  }
}

TEST_CASE("quic: says why there is no name") {
  Wire wire;
  const ByteVector no_sni = [] {
    ByteVector hello = client_hello("a.example");
    hello[4 + 2 + 32 + 1 + 4 + 2 + 2 + 1] = 0x7f;  // type of its only extension
    return hello;
  }();
  CHECK(wire.to_server(test::seal(initial_with(no_sni, 0, no_sni.size()))).cause == Cause::TlsNoSni);
  auto bad = initial_with(no_sni, 0, 0);
  bad.frames = {0x08, 0};
  bad.keys_from = bad.dcid = kServerId;
  CHECK(wire.to_server(test::seal(bad)).cause == Cause::QuicBadFrame);
  CHECK(wire.to_server(test::from_hex("c01a2a3a4a0401020304000000")).cause == Cause::QuicVersion);
  CHECK(wire.to_server(test::from_hex("c00000000105010200")).cause == Cause::QuicBadHeader);
  CHECK(wire.to_server(ByteVector(1200, 0x40)).cause == Cause::QuicNotInitial);
  CHECK(wire.to_server({}).cause == Cause::QuicNotInitial);
}

TEST_CASE("quic: a ClientHello beyond what is kept is too long") {
  Wire wire;
  const ByteVector hello = client_hello("a.example", 20000);
  Seen last{};
  for (std::size_t at = 0; at < hello.size(); at += 1000) {
    auto initial = initial_with(hello, at, std::min(at + 1000, hello.size()));
    initial.number = at / 1000;
    last = wire.to_server(test::seal(initial));
    if (at < 15000) CHECK(last.cause == Cause::QuicIncomplete);
    if (at == 16000) CHECK(last.cause == Cause::TlsTooLong);
  }
  CHECK(last.cause == Cause::QuicNotInitial);
}

TEST_CASE("quic: a half-read handshake is forgotten after its lifetime") {
  const ByteVector hello = client_hello("a.example", 1700);
  auto rest = initial_with(hello, 900, hello.size());
  rest.dcid = kServerId;
  for (const std::uint64_t wait : {std::uint64_t{30}, std::uint64_t{31}}) {
    Wire wire;
    CHECK(wire.to_server(test::seal(initial_with(hello, 0, 900))).cause == Cause::QuicIncomplete);
    wire.now_ns += wait * kSecond;
    CHECK(wire.to_server(test::seal(rest)).cause == (wait == 30 ? Cause::None : Cause::QuicNoKeys));
  }
}

TEST_CASE("quic: with all half-read places taken the oldest gives way, and that is told") {
  Wire wire({.connections = 64, .half_read = 2});
  const ByteVector hello = client_hello("a.example", 1700);
  const ByteVector first = test::seal(initial_with(hello, 0, 900));
  const ByteVector second = test::seal(initial_with(hello, 900, hello.size()));
  const auto at = [&](const ByteVector& datagram, std::uint16_t port) {
    return wire.now_ns += 1000, wire.to_server(datagram, port);
  };
  CHECK(at(first, 1).cause == Cause::QuicIncomplete);
  CHECK(at(first, 2).cause == Cause::QuicIncomplete);
  CHECK(at(first, 3).cause == Cause::HalfTableFull);
  check_name(at(second, 2), "a.example");
  CHECK(at(second, 1).cause == Cause::QuicIncomplete);
  check_name(at(second, 3), "a.example");
  check_name(at(first, 1), "a.example");
}

TEST_CASE("quic: any number of connections fits into the table, the latest stay") {
  Wire wire({.connections = 64, .half_read = 8});
  const ByteVector hello = client_hello("a.example", 1700);
  const ByteVector first = test::seal(initial_with(hello, 0, 900));
  auto rest = initial_with(hello, 900, hello.size());
  rest.dcid = kServerId;
  const ByteVector second = test::seal(rest);
  for (std::uint16_t port = 1; port < 500; ++port) {
    wire.now_ns += 1000;
    (void)wire.to_server(first, port);
  }
  check_name(wire.to_server(second, 499), "a.example");
  CHECK(wire.to_server(second, 1).cause == Cause::QuicNoKeys);
}

TEST_CASE("quic: IPv6 addresses and IPv4 ones are never one flow") {
  // Same bytes where the addresses are compared; only the family differs.
  const ByteVector hello = client_hello("a.example", 1700);
  const ByteVector first = test::seal(initial_with(hello, 0, 900));
  auto rest = initial_with(hello, 900, hello.size());
  rest.dcid = kServerId;
  const ByteVector second = test::seal(rest);
  ByteVector frame(48 + second.size());
  std::copy(second.begin(), second.end(), frame.begin() + 48);
  std::copy(kClient.begin(), kClient.end(), frame.begin() + 8);
  std::copy(kServer.begin(), kServer.end(), frame.begin() + 24);
  PacketView v6;
  v6.data = frame.data();
  v6.len = static_cast<std::uint32_t>(frame.size());
  v6.ipv6 = true;
  v6.payload = 48;
  v6.payload_len = static_cast<std::uint32_t>(second.size());
  v6.src_port = 50000;
  v6.dst_port = 443;
  Wire wire;
  CHECK(wire.to_server(first).cause == Cause::QuicIncomplete);
  CHECK(wire.reader.read(v6, wire.now_ns, *wire.name) == Cause::QuicNoKeys);
}

TEST_CASE("quic: no truncation or change of a datagram reads outside it") {
  const ByteVector hello = client_hello("a.example");
  auto initial = initial_with(hello, 0, hello.size());
  initial.pad_frames_to = 0;
  initial.token = {1, 2, 3};
  const ByteVector datagram = test::seal(initial);
  Wire wire;
  std::size_t names = 0;
  test::for_each_mutation(
      datagram, [&](Bytes b) { names += wire.to_server(ByteVector(b.begin(), b.end())).cause == Cause::None ? 1 : 0; });
  CHECK(names == 1);
}

TEST_CASE("quic: reading allocates nothing, neither here nor in OpenSSL") {
  REQUIRE(kCounting);
  Wire wire({.connections = 64, .half_read = 4});
  const ByteVector hello = client_hello("a.example", 1700);
  const test::UdpDatagram first(kClient, 1, kServer, 443, test::seal(initial_with(hello, 0, 900)));
  const test::UdpDatagram second(kClient, 1, kServer, 443, test::seal(initial_with(hello, 900, hello.size())));
  const test::UdpDatagram stranger(kClient, 2, kServer, 443, [&] {
    auto other = initial_with(hello, 0, 900);
    other.keys_from = kServerId;
    return test::seal(other);
  }());
  const std::uint64_t before = test::allocations();
  const std::uint64_t openssl_before = openssl_allocations;
  std::size_t names = 0;
  for (int i = 0; i < 1000; ++i) {
    wire.now_ns += 40 * kSecond;
    for (const test::UdpDatagram* datagram : {&first, &stranger, &second}) {
      names += wire.reader.read(datagram->view(), wire.now_ns, *wire.name) == Cause::None ? 1 : 0;
    }
  }
  CHECK(test::allocations() == before);
  CHECK(openssl_before > 0);
  CHECK(openssl_allocations == openssl_before);
  CHECK(names == 1000);
}
