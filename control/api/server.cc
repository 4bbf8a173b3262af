#include "control/api/server.h"

#include <microhttpd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>
#include <system_error>

#include "rules/text/json_writer.h"

namespace sluice {
namespace {

/// One request from its first line to the end of its answer.
struct Exchange {
  ApiRequest request;
  MHD_Connection* connection = nullptr;
  ApiServer::Ticket ticket = 0;  ///< not 0: the handler has put the answer off
  bool too_large = false, handled = false;
  std::optional<ApiReply> reply;
};

int listen_on(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  const auto fail = [&](int error) { throw std::system_error(error, std::generic_category(), "listen on " + text); };
  if (text.size() >= sizeof address.sun_path) fail(ENAMETOOLONG);
  std::memcpy(address.sun_path, text.data(), text.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) fail(errno);
  (void)::unlink(text.c_str());
  const mode_t before = ::umask(0117);
  const int bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(before);
  if (bound != 0 || ::listen(fd, 64) != 0) {
    ::close(fd);
    fail(bound != 0 ? error : errno);
  }
  return fd;
}

std::optional<uid_t> peer_uid(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  ucred peer{};
  socklen_t length = sizeof peer;
  if (info == nullptr || ::getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return {};
  return peer.uid;
}

MHD_Result take_argument(void* to, MHD_ValueKind, const char* key, const char* value) {
  auto& query = *static_cast<std::map<std::string, std::string>*>(to);
  query[key] = value != nullptr ? value : "";
  return MHD_YES;
}

MHD_Result send(MHD_Connection* connection, ApiReply& reply) {
  MHD_Response* response = MHD_create_response_from_buffer(reply.body.size(), reply.body.data(), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply.type.c_str());
  const MHD_Result result = MHD_queue_response(connection, reply.status, response);
  MHD_destroy_response(response);
  return result;
}

}  // namespace

struct ApiServer::Parts {
  Handler handler;
  std::vector<uid_t> admin_uids;
  std::filesystem::path path;
  MHD_Daemon* daemon = nullptr;
  Ticket last_ticket = 0;
  std::map<Ticket, Exchange*> waiting;  ///< suspended connections

  std::optional<ApiReply> handle(Exchange& exchange) {
    const ApiRequest& request = exchange.request;
    if (exchange.too_large) return api_error(413, "request body over 64 KiB");
    if (request.method != "GET" && request.method != "POST") return api_error(405, "GET and POST only");
    if (request.method == "POST" && request.uid != 0 &&
        std::ranges::find(admin_uids, request.uid) == admin_uids.end()) {
      return api_error(403, "uid " + std::to_string(request.uid) + " may not change anything");
    }
    try {
      return handler(request, exchange.ticket);
    } catch (const std::exception& e) {
      return api_error(500, e.what());
    }
  }
};

namespace {

/// Called by the library: once for the head, once per piece of body, once at its end, and again after a resume.
MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method, const char*,
                      const char* data, std::size_t* size, void** state) {
  auto& parts = *static_cast<ApiServer::Parts*>(self);
  auto* exchange = static_cast<Exchange*>(*state);
  if (exchange == nullptr) {
    const std::optional<uid_t> uid = peer_uid(connection);
    if (!uid) return MHD_NO;
    exchange = new Exchange{};
    *state = exchange;
    exchange->connection = connection;
    exchange->request.method = method;
    exchange->request.path = url;
    exchange->request.uid = *uid;
    return MHD_YES;
  }
  if (*size > 0) {
    exchange->too_large = exchange->too_large || exchange->request.body.size() + *size > ApiServer::kMaxBody;
    if (!exchange->too_large) exchange->request.body.append(data, *size);
    *size = 0;
    return MHD_YES;
  }
  if (!exchange->handled) {
    exchange->handled = true;
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &take_argument, &exchange->request.query);
    exchange->ticket = ++parts.last_ticket;
    exchange->reply = parts.handle(*exchange);
    if (!exchange->reply) {
      parts.waiting[exchange->ticket] = exchange;
      MHD_suspend_connection(connection);
      return MHD_YES;
    }
  }
  if (!exchange->reply) return MHD_YES;
  return send(connection, *exchange->reply);
}

void on_completed(void* self, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
  auto* exchange = static_cast<Exchange*>(*state);
  if (exchange == nullptr) return;
  static_cast<ApiServer::Parts*>(self)->waiting.erase(exchange->ticket);
  delete exchange;
  *state = nullptr;
}

}  // namespace

ApiServer::ApiServer(const std::filesystem::path& socket, std::vector<uid_t> admin_uids, Handler handler)
    : parts_(std::make_unique<Parts>()) {
  parts_->handler = std::move(handler);
  parts_->admin_uids = std::move(admin_uids);
  parts_->path = socket;
  const int fd = listen_on(socket);
  parts_->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &on_request,
                                    parts_.get(), MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                                    kMaxConnections, MHD_OPTION_CONNECTION_TIMEOUT, 30U, MHD_OPTION_NOTIFY_COMPLETED,
                                    &on_completed, parts_.get(), MHD_OPTION_END);
  if (parts_->daemon == nullptr) {
    ::close(fd);
    throw std::system_error(EIO, std::generic_category(), "start the HTTP server");
  }
}

ApiServer::~ApiServer() {
  std::vector<Ticket> tickets;
  for (const auto& [ticket, exchange] : parts_->waiting) tickets.push_back(ticket);
  for (const Ticket ticket : tickets) answer(ticket, api_error(503, "shutting down"));
  run();
  MHD_stop_daemon(parts_->daemon);
  (void)::unlink(parts_->path.c_str());
}

int ApiServer::fd() const noexcept {
  const MHD_DaemonInfo* info = MHD_get_daemon_info(parts_->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info != nullptr ? info->epoll_fd : -1;
}

int ApiServer::timeout_ms() const noexcept {
  MHD_UNSIGNED_LONG_LONG ms = 0;
  if (MHD_get_timeout(parts_->daemon, &ms) != MHD_YES) return -1;
  return static_cast<int>(std::min<MHD_UNSIGNED_LONG_LONG>(ms, 60'000));
}

void ApiServer::run() noexcept {
  (void)MHD_run(parts_->daemon);
}

void ApiServer::answer(Ticket ticket, ApiReply reply) {
  const auto it = parts_->waiting.find(ticket);
  if (it == parts_->waiting.end()) return;
  Exchange& exchange = *it->second;
  parts_->waiting.erase(it);
  exchange.reply = std::move(reply);
  MHD_resume_connection(exchange.connection);
}

ApiReply api_error(unsigned status, const std::string& what) {
  std::string body;
  JsonWriter(body).begin_object().member("error", what).end_object();
  return {status, body + "\n"};
}

}  // namespace sluice
