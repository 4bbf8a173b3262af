#include "control/api/server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <stdexcept>

#include "tests/support/temp_folder.h"

using namespace sluice;
using sluice::test::TempFolder;

namespace {

/// A client in the very thread of the server: sends, drives the server until the answer is whole, returns it.
class Client {
 public:
  explicit Client(const std::filesystem::path& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& text) { (void)!::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  std::string receive(ApiServer& server) {
    std::string got;
    for (int turns = 0; turns < 2000; ++turns) {
      pollfd fds[2] = {{server.fd(), POLLIN, 0}, {fd_, POLLIN, 0}};
      (void)::poll(fds, 2, 20);
      server.run();
      char buffer[4096];
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n == 0) return got;
      if (n > 0) got.append(buffer, static_cast<std::size_t>(n));
    }
    return got;
  }
  std::string ask(ApiServer& server, const std::string& text) {
    send(text);
    return receive(server);
  }

 private:
  int fd_;
};

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n";
}
std::string post(const std::string& target, const std::string& body) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: s\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::optional<ApiReply> echo(const ApiRequest& r, ApiServer::Ticket) {
  std::string body = r.method + " " + r.path;
  for (const auto& [key, value] : r.query) body += " " + key + "=" + value;
  return ApiReply{200, body + " [" + r.body + "] uid=" + std::to_string(r.uid) + "\n"};
}

}  // namespace

TEST_CASE("api: a request reaches the handler with path, decoded query, body and the peer's uid") {
  const TempFolder folder;
  ApiServer server(folder / "s", {::getuid()}, &echo);
  const std::string uid = "uid=" + std::to_string(::getuid());
  CHECK(Client(folder / "s")
            .ask(server, get("/v1/why?name=a%2Eb&qtype=A"))
            .ends_with("GET /v1/why name=a.b qtype=A [] " + uid + "\n"));
  CHECK(Client(folder / "s")
            .ask(server, post("/v1/bypass", "{\"on\":true}"))
            .ends_with("POST /v1/bypass [{\"on\":true}] " + uid + "\n"));
}

TEST_CASE("api: root and admin uids may POST; everybody who can connect may read") {
  if (::getuid() != 0) {
    WARN("not root: peers of other users cannot be made");
    return;
  }
  const TempFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  ApiServer server(folder / "s", {1001}, &echo);
  REQUIRE(::chmod((folder / "s").c_str(), 0666) == 0);
  const auto status = [&](uid_t uid, const std::string& request) {
    REQUIRE(::seteuid(uid) == 0);  // SO_PEERCRED: as of connect()
    Client client(folder / "s");
    REQUIRE(::seteuid(0) == 0);
    return client.ask(server, request).substr(0, 12);
  };
  CHECK(status(0, post("/v1/apply", "")) == "HTTP/1.1 200");
  CHECK(status(1001, post("/v1/apply", "")) == "HTTP/1.1 200");
  CHECK(status(1002, post("/v1/apply", "")) == "HTTP/1.1 403");
  CHECK(status(1002, get("/v1/status")) == "HTTP/1.1 200");
}

TEST_CASE("api: other methods, oversized bodies and handlers that throw each get their own answer") {
  const TempFolder folder;
  ApiServer server(folder / "s", {::getuid()}, [](const ApiRequest&, ApiServer::Ticket) -> std::optional<ApiReply> {
    throw std::runtime_error("a \"bad\" day");
  });
  CHECK(Client(folder / "s")
            .ask(server, "DELETE / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 405"));
  CHECK(Client(folder / "s")
            .ask(server, post("/", std::string(ApiServer::kMaxBody + 1, 'x')))
            .starts_with("HTTP/1.1 413"));
  const std::string broken = Client(folder / "s").ask(server, get("/"));
  CHECK(broken.starts_with("HTTP/1.1 500"));
  CHECK(broken.ends_with(R"({"error":"a \"bad\" day"})"
                         "\n"));
}

TEST_CASE("api: an answer may come later, while others are served; a client that has gone is no error") {
  const TempFolder folder;
  std::vector<ApiServer::Ticket> put_off;
  ApiServer server(folder / "s", {::getuid()},
                   [&](const ApiRequest& r, ApiServer::Ticket t) -> std::optional<ApiReply> {
                     if (r.path != "/later") return ApiReply{200, "now\n"};
                     put_off.push_back(t);
                     return std::nullopt;
                   });
  Client slow(folder / "s");
  slow.send(post("/later", ""));
  CHECK(Client(folder / "s").ask(server, get("/")).ends_with("now\n"));
  REQUIRE(put_off.size() == 1);
  server.answer(put_off[0], {200, "late\n"});
  CHECK(slow.receive(server).ends_with("late\n"));
  server.answer(put_off[0], {200, "twice\n"});
  server.answer(9999, {200, "nobody\n"});
  {
    Client gone(folder / "s");
    gone.send(get("/later"));
    for (int i = 0; i < 50 && put_off.size() < 2; ++i) server.run();
  }
  REQUIRE(put_off.size() == 2);
  server.answer(put_off[1], {200, "too late\n"});
  CHECK(Client(folder / "s").ask(server, get("/")).ends_with("now\n"));
}

TEST_CASE("api: a long answer is sent whole") {
  const TempFolder folder;
  ApiServer server(folder / "s", {}, [&](const ApiRequest&, ApiServer::Ticket) -> std::optional<ApiReply> {
    return ApiReply{200, std::string(1'000'000, 'z'), "text/plain"};
  });
  const std::string answer = Client(folder / "s").ask(server, get("/"));
  CHECK(answer.size() > 1'000'000);
  CHECK(answer.ends_with("zzz"));
}

TEST_CASE("api: the socket is for owner and group only, replaces a stale one, and goes with the server") {
  const TempFolder folder;
  folder.write("s", "stale");
  {
    const ApiServer server(folder / "s", {}, &echo);
    struct stat st{};
    REQUIRE(::stat((folder / "s").c_str(), &st) == 0);
    CHECK(S_ISSOCK(st.st_mode));
    CHECK((st.st_mode & 0777) == 0660);
  }
  CHECK_FALSE(std::filesystem::exists(folder / "s"));
}

TEST_CASE("api: garbage instead of HTTP ends that connection and nothing else") {
  const TempFolder folder;
  ApiServer server(folder / "s", {}, &echo);
  (void)Client(folder / "s").ask(server, std::string("\0\xff\r\n\r\n", 6));
  CHECK(Client(folder / "s").ask(server, get("/")).starts_with("HTTP/1.1 200"));
}
