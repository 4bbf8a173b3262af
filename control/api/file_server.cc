#include "control/api/file_server.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace sluice {
namespace {

constexpr std::size_t kMaxPath = 256;
constexpr std::string_view kHex = "0123456789abcdef";
constexpr const char* kForEver = "public, max-age=31536000, immutable";
constexpr const char* kForNow = "public, max-age=5";

/// "tile/0/x001/067.p/5": digits in parts, as C2SP tlog-tiles writes them.
bool is_tile(std::string_view path) noexcept {
  if (!path.starts_with("tile/")) return false;
  path.remove_prefix(5);
  if (path.starts_with("entries/")) path.remove_prefix(8);
  return !path.empty() && path.find("//") == std::string_view::npos && path.find("..") == std::string_view::npos &&
         path.find_first_not_of("0123456789x/.p") == std::string_view::npos && path.back() != '/' &&
         path.find("/.") == std::string_view::npos && path.front() != '.' && path.front() != '/';
}

bool is_list(std::string_view path) noexcept {
  return path.size() == 8 + 64 && path.starts_with("targets/") &&
         path.substr(8).find_first_not_of(kHex) == std::string_view::npos;
}

MHD_Result answer(MHD_Connection* connection, unsigned status, MHD_Response* response) {
  if (response == nullptr) return MHD_NO;
  const MHD_Result queued = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return queued;
}

MHD_Result answer_text(MHD_Connection* connection, unsigned status, std::string text, const char* type) {
  MHD_Response* response = MHD_create_response_from_buffer(text.size(), text.data(), MHD_RESPMEM_MUST_COPY);
  if (response != nullptr) {
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == 405) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  return answer(connection, status, response);
}

std::string etag_of(const struct stat& st) {
  return "\"" + std::to_string(st.st_ino) + "-" + std::to_string(st.st_size) + "-" + std::to_string(st.st_mtim.tv_sec) +
         "." + std::to_string(st.st_mtim.tv_nsec) + "\"";
}

}  // namespace

int listen_on(const std::string& where) {
  const std::size_t colon = where.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("log.listen: " + where + ": want ADDRESS:PORT");
  std::string host = where.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), where.c_str() + colon + 1, &hints, &found) != 0) {
    throw std::runtime_error("log.listen: " + where + ": want a numeric ADDRESS:PORT");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> address(found, &::freeaddrinfo);
  const int fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, address->ai_addr, address->ai_addrlen) != 0 || ::listen(fd, 128) != 0) {
    const int error = errno;
    ::close(fd);
    throw std::system_error(error, std::generic_category(), "listen on " + where);
  }
  return fd;
}

bool is_log_path(std::string_view path) noexcept {
  return path.size() <= kMaxPath && (path == "checkpoint" || is_tile(path) || is_list(path));
}

struct FileServer::Parts {
  Options options;
  int folder = -1;
  MHD_Daemon* daemon = nullptr;
};

namespace {

MHD_Result answer_file(const FileServer::Parts& parts, MHD_Connection* connection, const std::string& path) {
  const int fd = ::openat(parts.folder, path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  struct stat st{};
  if (fd < 0 || ::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    if (fd >= 0) ::close(fd);
    return answer_text(connection, 404, "not found\n", "text/plain");
  }
  const std::string etag = etag_of(st);
  const char* known = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
  const bool same = known != nullptr && known == etag;
  MHD_Response* response = nullptr;
  if (same) {
    ::close(fd);
    response = MHD_create_response_from_buffer(0, nullptr, MHD_RESPMEM_PERSISTENT);
  } else {
    response = MHD_create_response_from_fd64(static_cast<std::uint64_t>(st.st_size), fd);
    if (response == nullptr) ::close(fd);
  }
  if (response != nullptr) {
    const bool moving = path == "checkpoint";
    MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag.c_str());
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, moving ? kForNow : kForEver);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            moving ? "text/plain; charset=utf-8" : "application/octet-stream");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, "*");
  }
  return answer(connection, same ? 304 : 200, response);
}

MHD_Result on_file_request(void* self, MHD_Connection* connection, const char* url, const char* method, const char*,
                           const char*, std::size_t* size, void** state) {
  static char begun;
  if (*state == nullptr) {  // the head alone: an answer may follow only at the next call
    *state = &begun;
    return MHD_YES;
  }
  if (*size > 0) {  // a body: taken and thrown away
    *size = 0;
    return MHD_YES;
  }
  const auto& parts = *static_cast<const FileServer::Parts*>(self);
  const std::string_view said(method);
  if (said != "GET" && said != "HEAD") return answer_text(connection, 405, "GET and HEAD only\n", "text/plain");
  const std::string_view path(url);
  try {
    if (path == "/lookup") {
      const char* name = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "name");
      auto found = name != nullptr && parts.options.lookup ? parts.options.lookup(name) : std::nullopt;
      return found ? answer_text(connection, 200, *std::move(found), "application/json")
                   : answer_text(connection, 400, "want ?name= and a domain name\n", "text/plain");
    }
    if (path.starts_with('/') && is_log_path(path.substr(1))) {
      return answer_file(parts, connection, std::string(path.substr(1)));
    }
  } catch (const std::exception&) {
    return answer_text(connection, 500, "failed\n", "text/plain");
  }
  return answer_text(connection, 404, "not found\n", "text/plain");
}

}  // namespace

FileServer::FileServer(Options options) : parts_(std::make_unique<Parts>()) {
  parts_->options = std::move(options);
  const Options& o = parts_->options;
  std::filesystem::create_directories(o.folder);
  parts_->folder = ::open(o.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parts_->folder < 0) throw std::system_error(errno, std::generic_category(), "open " + o.folder.string());
  const bool tls = !o.certificate.empty();
  constexpr auto kPlain = static_cast<unsigned>(MHD_USE_EPOLL_INTERNAL_THREAD);
  const unsigned flags = tls ? kPlain | static_cast<unsigned>(MHD_USE_TLS) : kPlain;
  if (tls) {
    parts_->daemon =
        MHD_start_daemon(flags, 0, nullptr, nullptr, &on_file_request, parts_.get(), MHD_OPTION_LISTEN_SOCKET,
                         o.listener, MHD_OPTION_CONNECTION_LIMIT, kMaxConnections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                         kMaxPerAddress, MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_HTTPS_MEM_KEY,
                         o.key.c_str(), MHD_OPTION_HTTPS_MEM_CERT, o.certificate.c_str(), MHD_OPTION_END);
  } else {
    parts_->daemon =
        MHD_start_daemon(flags, 0, nullptr, nullptr, &on_file_request, parts_.get(), MHD_OPTION_LISTEN_SOCKET,
                         o.listener, MHD_OPTION_CONNECTION_LIMIT, kMaxConnections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                         kMaxPerAddress, MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_END);
  }
  if (parts_->daemon == nullptr) {
    ::close(o.listener);
    ::close(parts_->folder);
    throw std::runtime_error(std::string("the log cannot be served") + (tls ? ": certificate or key?" : ""));
  }
}

FileServer::~FileServer() {
  MHD_stop_daemon(parts_->daemon);
  ::close(parts_->folder);
}

unsigned FileServer::port() const {
  const MHD_DaemonInfo* info = MHD_get_daemon_info(parts_->daemon, MHD_DAEMON_INFO_LISTEN_FD);
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (info == nullptr || ::getsockname(info->listen_fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace sluice
