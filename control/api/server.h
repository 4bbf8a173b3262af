#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct ApiRequest {
  std::string method;  ///< GET or POST
  std::string path;    ///< "/v1/status"
  std::map<std::string, std::string> query;
  std::string body;
  uid_t uid = 0;  ///< of the peer, by SO_PEERCRED: as of its connect()
};

struct ApiReply {
  unsigned status = 200;
  std::string body;
  std::string type = "application/json";
};

/// HTTP/1.1 over a Unix socket (libmicrohttpd), driven by the caller's event loop: no threads, and every call from the
/// thread that made it. Bodies are at most kMaxBody bytes, connections at most kMaxConnections, idle ones end after 30
/// s.
class ApiServer {
 public:
  static constexpr std::size_t kMaxBody = 64 << 10;
  static constexpr unsigned kMaxConnections = 64;

  using Ticket = std::uint64_t;
  /// Answers now, or returns nothing and lets answer(ticket, …) follow. What it throws becomes a 500.
  using Handler = std::function<std::optional<ApiReply>(const ApiRequest&, Ticket)>;

  /// Takes over the path: a stale socket there is replaced. Mode 0660. POST is for root and `admin_uids`. Throws
  /// std::system_error.
  ApiServer(const std::filesystem::path& socket, std::vector<uid_t> admin_uids, Handler handler);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// Readable when run() has something to do.
  [[nodiscard]] int fd() const noexcept;
  /// Milliseconds after which run() is due in any case; -1: none.
  [[nodiscard]] int timeout_ms() const noexcept;
  void run() noexcept;

  /// Answers a request that the handler had put off. A client that has gone is no error.
  void answer(Ticket ticket, ApiReply reply);

  /// The rest is for the library's callbacks.
  struct Parts;

 private:
  std::unique_ptr<Parts> parts_;
};

/// {"error":"…"} with a status: what every refused request gets.
[[nodiscard]] ApiReply api_error(unsigned status, const std::string& what);

}  // namespace sluice
