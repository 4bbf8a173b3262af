#include "dataplane/http/request.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/mutations.h"

using sluice::Bytes;
using sluice::Cause;
using sluice::HttpRequest;

namespace {

struct Read {
  Cause cause;
  std::string host;
  bool connect;
  std::uint32_t head_bytes;
};

Read read(std::string_view text) {
  const auto request = std::make_unique<HttpRequest>();
  const Cause cause =
      sluice::read_request(Bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, *request);
  return {cause, std::string(request->host.text()), request->connect, request->head_bytes};
}

std::string host_of(std::string_view text) {
  const Read got = read(text);
  return got.cause == Cause::None ? got.host : "cause " + std::string(sluice::info(got.cause).name);
}

}  // namespace

TEST_CASE("http: reads the Host of an origin-form request, and how long its head is") {
  const std::string head = "GET /a HTTP/1.1\r\nUser-Agent: x\r\nHost: News.Example.ORG\r\nAccept: */*\r\n\r\n";
  const Read got = read(head + "body");
  CHECK(got.cause == Cause::None);
  CHECK(got.host == "news.example.org");
  CHECK_FALSE(got.connect);
  CHECK(got.head_bytes == head.size());
}

TEST_CASE("http: answers once the Host line is complete, without the rest of the head") {
  CHECK(host_of("GET / HTTP/1.1\r\nHost: a.example\r\n") == "a.example");
  CHECK(read("GET / HTTP/1.1\r\nHost: a.example\r\nAcc").head_bytes == 0);
  CHECK(host_of("GET / HTTP/1.1\r\nHost: a.example") == "cause http-incomplete");
}

TEST_CASE("http: a request that is cut anywhere before its answer is incomplete") {
  const std::string head = "OPTIONS * HTTP/1.0\r\nX: y\r\nHost: a.example:8080\r\n\r\n";
  const std::size_t answer = head.find("8080\r\n") + 6;
  for (std::size_t n = 0; n < answer; ++n) {
    CAPTURE(n);
    CHECK(read(std::string_view(head).substr(0, n)).cause == Cause::HttpIncomplete);
  }
  for (std::size_t n = answer; n <= head.size(); ++n) {
    CAPTURE(n);
    CHECK(host_of(std::string_view(head).substr(0, n)) == "a.example");
  }
}

TEST_CASE("http: the host of an absolute-form target stands over the Host line (RFC 9112 3.2.2)") {
  CHECK(host_of("GET http://a.example/x HTTP/1.1\r\n") == "a.example");
  CHECK(host_of("GET http://a.example/x HTTP/1.1\r\nHost: b.example\r\n\r\n") == "a.example");
  CHECK(host_of("GET HTTP://u:p@A.example:80?q HTTP/1.1\r\nHost: b.example\r\n\r\n") == "a.example");
  CHECK(host_of("GET coap+tcp://a.example#f HTTP/1.1\r\n") == "a.example");
  CHECK(host_of("GET /http://a.example/ HTTP/1.1\r\nHost: b.example\r\n") == "b.example");
  CHECK(host_of("GET /?u=http://a.example/ HTTP/1.1\r\nHost: b.example\r\n") == "b.example");
}

TEST_CASE("http: CONNECT names its host in the request line") {
  const Read got = read("CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n\x16\x03");
  CHECK(got.cause == Cause::None);
  CHECK(got.host == "a.example");
  CHECK(got.connect);
  CHECK(got.head_bytes == 51);
  CHECK(read("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n").cause == Cause::NameIsAddress);
}

TEST_CASE("http: blanks, case and line ends are taken as servers take them") {
  CHECK(host_of("GET / HTTP/1.1\nhOsT:a.example\n\n") == "a.example");
  CHECK(host_of("GET  /  HTTP/1.1 \r\nHOST:\t a.example \t\r\n\r\n") == "a.example");
  CHECK(host_of("GET\t/\tHTTP/1.1\r\nHost : a.example\r\n") == "a.example");
  CHECK(host_of("\r\n\nGET / http/1.1\r\nHost: a.example\r\n") == "a.example");
  CHECK(host_of("GET /with blank HTTP/1.1\r\nHost: a.example\r\n") == "a.example");
  CHECK(host_of("get / HTTP/1.1\r\nHost: a.example\r\n") == "a.example");
  CHECK(host_of("M-SEARCH * HTTP/1.1\r\nHost: a.example\r\n") == "a.example");
  CHECK(host_of("GET / HTTP/1.1\r\nno field\r\nX\1: y\r\nHost: a.example\r\n") == "a.example");
}

TEST_CASE("http: port and final dot are cut off") {
  CHECK(host_of("GET / HTTP/1.1\r\nHost: a.example:8080\r\n") == "a.example");
  CHECK(host_of("GET / HTTP/1.1\r\nHost: a.example.:\r\n") == "a.example");
  CHECK(host_of("GET / HTTP/1.1\r\nHost: a.example:x:1\r\n") == "a.example");
}

TEST_CASE("http: the first of several Host lines counts") {
  CHECK(host_of("GET / HTTP/1.1\r\nX-Host: c.example\r\nHost: a.example\r\nHost: b.example\r\n\r\n") == "a.example");
}

TEST_CASE("http: tells an address and a bad name from a name") {
  CHECK(read("GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n").cause == Cause::NameIsAddress);
  CHECK(read("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n").cause == Cause::NameIsAddress);
  CHECK(read("GET / HTTP/1.1\r\nHost: 2001:db8::1\r\n").cause == Cause::NameIsAddress);
  CHECK(read("GET / HTTP/1.1\r\nHost: a b.example\r\n").cause == Cause::NameInvalid);
  CHECK(read("GET / HTTP/1.1\r\nHost: a..example\r\n").cause == Cause::NameInvalid);
}

TEST_CASE("http: a request without a host says so") {
  CHECK(read("GET / HTTP/1.0\r\nAccept: x\r\n\r\n").cause == Cause::HttpNoHost);
  CHECK(read("GET / HTTP/1.0\r\nAccept: x\r\n\r\n").head_bytes == 29);
  CHECK(read("GET / HTTP/1.1\r\nHost:\r\n\r\n").cause == Cause::HttpNoHost);
  CHECK(read("GET / HTTP/1.1\r\nHost: :80\r\n\r\n").cause == Cause::HttpNoHost);
}

TEST_CASE("http: folding and other major versions are refused") {
  CHECK(read("GET / HTTP/1.1\r\nX: a\r\n Host: a.example\r\n").cause == Cause::HttpBadRequest);
  CHECK(read("GET / HTTP/1.1\r\n\tHost: a.example\r\n").cause == Cause::HttpBadRequest);
  CHECK(read("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").cause == Cause::HttpBadRequest);
}

TEST_CASE("http: what is no request line is told from the first bytes") {
  using namespace std::string_view_literals;
  for (const std::string_view other :
       {"\x16\x03\x01\x02\x00\x01"sv, "HTTP/1.1 200 OK\r\n"sv, " GET / HTTP/1.1\r\n"sv,
        "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"sv, "EHLO mail.example\r\n"sv, "OPTIONS sip:a@b.example SIP/2.0\r\n"sv,
        "DESCRIBE rtsp://a.example/ RTSP/1.0\r\n"sv, "GET /\r\n"sv, "GET HTTP/1.1\r\n"sv, "AAAAAAAAAAAAAAAAAAAAAAAAA"sv,
        "GET \0\0"sv, "A\0"sv, "GET /\x7f"sv, "x \r\n"sv}) {
    CAPTURE(other);
    CHECK(read(other).cause == Cause::HttpNotRequest);
  }
}

TEST_CASE("http: no truncation or changed byte reads outside the stream") {
  const std::string head =
      "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\nGET http://u@c.example:1/ HTTP/1.0\r\n\r\n";
  const auto request = std::make_unique<HttpRequest>();
  sluice::test::for_each_mutation(Bytes{reinterpret_cast<const std::uint8_t*>(head.data()), head.size()}, [&](Bytes b) {
    const Cause cause = sluice::read_request(b, *request);
    REQUIRE(request->head_bytes <= b.size());
    REQUIRE((cause == Cause::None) == (request->host.length > 0));
  });
}
