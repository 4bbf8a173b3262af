#include "dataplane/tls/client_hello.h"

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>

#include "tests/support/messages.h"
#include "tests/support/mutations.h"
#include "tests/support/print_cause.h"

using namespace sluice;
using namespace sluice::test;

namespace {

struct Read {
  Cause cause;
  std::string name;
  bool has_ech;
  std::uint32_t bytes;
};
Read copy(Cause cause, const ClientHello& hello) {
  return {cause, std::string(hello.name.text()), hello.has_ech, hello.bytes};
}
Read read(Bytes stream) {
  const auto hello = std::make_unique<ClientHello>();
  const Cause cause = read_client_hello(stream, *hello);
  return copy(cause, *hello);
}
Read read_message(Bytes message) {
  const auto hello = std::make_unique<ClientHello>();
  const Cause cause = read_client_hello_message(message, *hello);
  return copy(cause, *hello);
}
Cause cause_with(const Octets& extensions) {
  return read(tls_records(client_hello_with(extensions))).cause;
}

/// Cuts a message into records of random sizes.
Octets recut(const Octets& message, std::mt19937& random) {
  Octets stream;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t n = std::min<std::size_t>(1 + random() % (random() % 2 == 0 ? 8 : 600), message.size() - at);
    const auto from = message.begin() + static_cast<std::ptrdiff_t>(at);
    stream = join({stream, {22, 3, 3}, with_len16(Octets(from, from + static_cast<std::ptrdiff_t>(n)))});
    at += n;
  }
  return stream;
}

}  // namespace

TEST_CASE("ClientHello: gives the server name in canonical form") {
  const Octets stream = tls_records(client_hello("WWW.Example.ORG."));
  const Read answer = read(stream);
  CHECK(answer.cause == Cause::None);
  CHECK(answer.name == "www.example.org");
  CHECK_FALSE(answer.has_ech);
  CHECK(answer.bytes < stream.size());  // ALPN follows
}

TEST_CASE("ClientHello: is read as a bare message too") {
  const Octets message = client_hello("www.example.org", 1216);
  CHECK(read_message(message).cause == Cause::None);
  CHECK(read_message(message).name == "www.example.org");
  CHECK(read_message(Bytes(message).first(1000)).cause == Cause::TlsIncomplete);
  CHECK(read_message({}).cause == Cause::TlsIncomplete);
  CHECK(read_message(tls_records(message)).cause == Cause::TlsNotHello);
}

TEST_CASE("ClientHello: a shorter prefix is incomplete, and once there is a name every longer one gives it too") {
  for (const std::size_t record : {1U, 3U, 100U, 16384U}) {
    const Octets stream = tls_records(client_hello("www.example.org", 1216), record);
    const std::uint32_t enough = read(stream).bytes;
    for (std::size_t n = 0; n <= stream.size(); ++n) {
      const Read answer = read(Bytes(stream).first(n));
      CAPTURE(record, n);
      REQUIRE(answer.cause == (n < enough ? Cause::TlsIncomplete : Cause::None));
      REQUIRE(answer.name == (n < enough ? "" : "www.example.org"));
    }
  }
}

TEST_CASE("ClientHello: cut into any records it gives the same name") {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same cuts in every run
  for (int n = 0; n < 500; ++n) {
    const Octets stream = recut(client_hello("deep.sub.example.net", random() % 2000), random);
    const Read answer = read(stream);
    REQUIRE(answer.cause == Cause::None);
    REQUIRE(answer.name == "deep.sub.example.net");
  }
}

TEST_CASE("ClientHello: what is no TLS is told from its first bytes") {
  CHECK(read({}).cause == Cause::TlsIncomplete);
  CHECK(read(text("GET / HTTP/1.1\r\n")).cause == Cause::TlsNotHello);
  CHECK(read(Octets{23}).cause == Cause::TlsNotHello);
  CHECK(read(Octets{22, 2}).cause == Cause::TlsNotHello);
  CHECK(read(Octets{22, 3, 1, 0, 4, 2}).cause == Cause::TlsNotHello);             // ServerHello
  CHECK(read(Octets{0x80, 0x2e, 1, 3, 1, 0, 0x15}).cause == Cause::TlsNotHello);  // SSL 2 hello
}

TEST_CASE("ClientHello: impossible records") {
  const Octets message = client_hello("www.example.org");
  const Octets head(message.begin(), message.begin() + 20);
  const Octets first = tls_records(head);
  CHECK(read(join({first, {22, 3, 3, 0, 0}})).cause == Cause::TlsBadRecord);
  CHECK(read(join({first, {22, 3, 3, 0x40, 1}})).cause == Cause::TlsBadRecord);
  CHECK(read(join({first, {21, 3, 3, 0, 2}})).cause == Cause::TlsBadRecord);
  CHECK(read(join({first, {22, 2}})).cause == Cause::TlsBadRecord);
  CHECK(read(Octets{22, 3, 1, 0, 0}).cause == Cause::TlsBadRecord);
}

TEST_CASE("ClientHello: without a host name") {
  CHECK(cause_with(tls_extension(43, {2, 3, 4})) == Cause::TlsNoSni);
  CHECK(cause_with({}) == Cause::TlsNoSni);
  const Octets bare = join({{3, 1}, Octets(32, 1), {0, 0, 2, 0, 0x2f, 1, 0}});  // no extensions, RFC 5246 7.4.1.2
  CHECK(read(tls_records(join({u8(1), with_len24(bare)}))).cause == Cause::TlsNoSni);
  CHECK(cause_with(tls_extension(0, with_len16(join({u8(1), with_len16(text("x"))})))) == Cause::TlsNoSni);
}

TEST_CASE("ClientHello: the first host name wins") {
  const Octets other = join({u8(7), with_len16(text("zzz"))});
  const Octets one = join({u8(0), with_len16(text("one.example"))});
  const Octets two = join({u8(0), with_len16(text("two.example"))});
  const Octets extensions =
      join({tls_extension(0, with_len16(join({other, one, two}))), tls_server_name("three.example")});
  CHECK(read(tls_records(client_hello_with(extensions))).name == "one.example");
}

TEST_CASE("ClientHello: malformed server_name extensions") {
  CHECK(cause_with(tls_extension(0, {})) == Cause::TlsBadSni);
  CHECK(cause_with(tls_extension(0, {0, 9, 0})) == Cause::TlsBadSni);                   // list beyond the extension
  CHECK(cause_with(tls_extension(0, with_len16({0, 0}))) == Cause::TlsBadSni);          // entry cut
  CHECK(cause_with(tls_extension(0, with_len16({0, 0, 0}))) == Cause::TlsBadSni);       // empty name
  CHECK(cause_with(tls_extension(0, with_len16({0, 0, 5, 'a'}))) == Cause::TlsBadSni);  // name beyond the list
}

TEST_CASE("ClientHello: host names that no rule can mean") {
  CHECK(cause_with(tls_server_name("192.0.2.1")) == Cause::NameIsAddress);
  CHECK(cause_with(tls_server_name("a b")) == Cause::NameInvalid);
  CHECK(cause_with(tls_server_name(std::string(300, 'a'))) == Cause::NameInvalid);
  CHECK(cause_with(tls_server_name(std::string(254, 'a'))) == Cause::NameInvalid);
}

TEST_CASE("ClientHello: names that clients should not send are told from those that they should") {
  const auto name_in = [](std::string_view sent) { return read(tls_records(client_hello(sent))).name; };
  CHECK(name_in("WWW.Example.ORG") == "www.example.org");
  CHECK(name_in("www.example.org.") == "www.example.org");
  CHECK(name_in("xn--bcher-kva.example") == "xn--bcher-kva.example");
  CHECK(cause_with(tls_server_name("b\xc3\xbc"
                                   "cher.example")) == Cause::NameInvalid);  // a U-label (RFC 6066 3)
  CHECK(cause_with(tls_server_name("www.example.org..")) == Cause::NameInvalid);
  CHECK(cause_with(tls_server_name(".")) == Cause::NameInvalid);
  CHECK(cause_with(tls_server_name("2001:db8::1")) == Cause::NameIsAddress);
  CHECK(cause_with(tls_server_name("[2001:db8::1]")) == Cause::NameIsAddress);
}

TEST_CASE(
    "ClientHello: any version of SSL 3 and TLS in the record, and GREASE among the extensions, are all the same") {
  for (std::uint8_t minor = 0; minor <= 4; ++minor) {
    Octets stream = tls_records(client_hello_with(
        join({tls_extension(0x0a0a, {}), tls_server_name("www.example.org"), tls_extension(0xfafa, {0})})));
    stream[2] = minor;
    CHECK(read(stream).name == "www.example.org");
    stream[10] = minor;  // legacy_version
    CHECK(read(stream).name == "www.example.org");
  }
}

TEST_CASE("ClientHello: read in pieces of any size it passes over its bytes once and keeps none but a step's") {
  for (const std::size_t record : {std::size_t{1}, std::size_t{300}, std::size_t{16384}}) {
    const std::size_t filler = record == 1 ? 300 : 20'000;
    const Octets other = tls_extension(0, with_len16(join({u8(7), with_len16(Octets(filler, 'z'))})));
    const Octets extensions = join({tls_extension(21, Octets(filler, 0)), other, tls_extension(0xfe0d, Octets(200, 3)),
                                    tls_extension(22, Octets(filler, 0)), tls_server_name("www.example.org")});
    const Octets stream = tls_records(client_hello_with(extensions), record);
    for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, std::size_t{1400}}) {
      HelloProgress progress;
      const auto hello = std::make_unique<ClientHello>();
      std::size_t from = 0, longest = 0;
      Cause cause = Cause::TlsIncomplete;
      for (std::size_t to = cut; cause == Cause::TlsIncomplete; to += cut) {
        REQUIRE(from <= stream.size());
        const Bytes piece = Bytes(stream).subspan(from, std::min(to, stream.size()) - from);
        longest = std::max(longest, piece.size());
        cause = continue_client_hello(piece, progress, *hello);
        from += hello->bytes;
      }
      CAPTURE(record, cut);
      CHECK(cause == Cause::None);
      CHECK(hello->name.text() == "www.example.org");
      CHECK(hello->has_ech);
      CHECK(hello->message_bytes == client_hello_with(extensions).size());
      CHECK(longest <= cut + 6 * 100);  // the longest step, the head, in records of one byte
    }
  }
}

TEST_CASE("ClientHello: tells encrypted_client_hello, before the name and, as far as it is there, behind it") {
  const Octets ech = tls_extension(0xfe0d, Octets(200, 3));
  const Octets behind = tls_records(client_hello_with(join({tls_server_name("outer.example"), ech})));
  CHECK(read(behind).has_ech);
  CHECK_FALSE(read(Bytes(behind).first(behind.size() - 203)).has_ech);
  CHECK_FALSE(read(tls_records(client_hello("plain.example"))).has_ech);
  CHECK(read(tls_records(client_hello_with(join({ech, tls_server_name("outer.example")})))).has_ech);
  CHECK(read(tls_records(client_hello_with(ech))).has_ech);
}

TEST_CASE("ClientHello: a length beyond its parent is a contradiction, known before the bytes are there") {
  Octets message = client_hello("www.example.org");
  constexpr std::size_t kSessionId = 4 + 2 + 32;
  constexpr std::size_t kExtensions = kSessionId + 33 + 8 + 2;
  message[kExtensions] = 0xff;
  CHECK(read_message(message).cause == Cause::TlsBadHandshake);
  CHECK(read_message(Bytes(message).first(kExtensions + 2)).cause == Cause::TlsBadHandshake);
  message = client_hello("www.example.org");
  message[1 + 2] = 60;  // the body ends inside the session id
  CHECK(read_message(message).cause == Cause::TlsBadHandshake);
}

TEST_CASE("ClientHello: no truncation and no flipped byte leads outside the stream") {
  const auto hello = std::make_unique<ClientHello>();
  for (const std::size_t record : {40U, 16384U}) {
    for_each_mutation(tls_records(client_hello("www.example.org"), record), [&](Bytes bytes) {
      const Cause cause = read_client_hello(bytes, *hello);
      if (hello->bytes > bytes.size()) FAIL("answer rests on bytes outside the stream");
      if ((cause == Cause::None) != (hello->name.length > 0)) FAIL("a name without Cause::None, or none with it");
      (void)read_client_hello_message(bytes, *hello);
      if (hello->bytes > bytes.size()) FAIL("answer rests on bytes outside the message");
    });
  }
}
