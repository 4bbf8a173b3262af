#include "control/api/file_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/temp_folder.h"

using namespace sluice;

namespace {

struct Served {
  test::TempFolder folder;
  FileServer server{{listen_on("127.0.0.1:0"), folder.path() / "log", "", "", [](const std::string& name) {
                       return name == "a.example" ? std::optional<std::string>("{\"name\":\"a.example\"}\n")
                                                  : std::nullopt;
                     }}};

  [[nodiscard]] std::string ask(const std::string& request) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const std::string text = request + " HTTP/1.1\r\nHost: log\r\nConnection: close\r\n\r\n";
    REQUIRE(::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    std::string got;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
      got.append(buffer, static_cast<std::size_t>(n));
    ::close(fd);
    return got;
  }
  [[nodiscard]] std::string status(const std::string& request) const { return ask(request).substr(9, 3); }
};

}  // namespace

TEST_CASE_METHOD(Served, "file server: gives a log's public files, and nothing else of its folder") {
  const std::string list(64, 'a');
  folder.write("log/checkpoint", "signed\n");
  folder.write("log/tile/0/x001/067.p/5", "hashes");
  folder.write("log/tile/entries/000", "entries");
  folder.write("log/targets/" + list, "names");
  folder.write("log/.pending", "private");
  folder.write("log/tile/0/.067.new", "private");
  folder.write("secret", "private");
  std::filesystem::create_symlink("../secret", folder / "log/targets" / std::string(64, 'b'));
  CHECK(ask("GET /checkpoint").ends_with("\r\n\r\nsigned\n"));
  CHECK(ask("GET /tile/0/x001/067.p/5").ends_with("hashes"));
  CHECK(ask("GET /tile/entries/000").find("immutable") != std::string::npos);
  CHECK(ask("GET /targets/" + list).ends_with("names"));
  CHECK(ask("HEAD /checkpoint").ends_with("\r\n\r\n"));
  for (const char* path : {"/", "/.pending", "/tile/0/.067.new", "/tile/../../secret", "/tile/%2e%2e/%2e%2e/secret",
                           "/../secret", "/tile", "/tile/0", "/targets/..", "/targets/x", "/tile//0", "/key"}) {
    CAPTURE(path);
    CHECK(status("GET " + std::string(path)) == "404");
  }
  CHECK(status("GET /targets/" + std::string(64, 'b')) == "404");
  CHECK(status("POST /checkpoint") == "405");
  CHECK(status("DELETE /checkpoint") == "405");
}

TEST_CASE_METHOD(Served, "file server: who has the checkpoint already is told so") {
  folder.write("log/checkpoint", "signed\n");
  const std::string answer = ask("GET /checkpoint");
  const std::size_t at = answer.find("ETag: ") + 6;
  const std::string etag = answer.substr(at, answer.find("\r\n", at) - at);
  CHECK(status("GET /checkpoint HTTP/1.1\r\nIf-None-Match: " + etag + "\r\nX:") == "304");
  CHECK(status("GET /checkpoint HTTP/1.1\r\nIf-None-Match: \"other\"\r\nX:") == "200");
}

TEST_CASE_METHOD(Served, "file server: opens a name to who asks for it") {
  CHECK(ask("GET /lookup?name=a.example").find("200 OK") != std::string::npos);
  CHECK(status("GET /lookup?name=") == "400");
  CHECK(status("GET /lookup") == "400");
}

TEST_CASE("file server: an address that is none, or a certificate that is none, is an error at the start") {
  const test::TempFolder folder;
  CHECK_THROWS(listen_on("localhost"));
  CHECK_THROWS(listen_on("example.org:80"));
  CHECK_THROWS(FileServer({listen_on("127.0.0.1:0"), folder.path(), "no certificate", "no key", {}}));
}
