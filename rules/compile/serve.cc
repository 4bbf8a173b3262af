#include "rules/compile/serve.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>
#include <vector>

#include "rules/compile/durable_file.h"

namespace sluice {
namespace {

constexpr timespec kPatience{5, 0};  // for a client that says nothing while others may wait

volatile std::sig_atomic_t asked_to_end = 0;
void on_signal(int) {
  asked_to_end = 1;
}

/// Blocks SIGTERM and SIGINT; `while_waiting` is the mask under which they come through.
sigset_t block_signals() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigset_t ending, while_waiting;
  sigemptyset(&ending);
  for (const int signal : {SIGTERM, SIGINT}) {
    sigaction(signal, &action, nullptr);
    sigaddset(&ending, signal);
  }
  sigprocmask(SIG_BLOCK, &ending, &while_waiting);
  for (const int signal : {SIGTERM, SIGINT}) sigdelset(&while_waiting, signal);
  return while_waiting;
}

bool wait_readable(int fd, const timespec* patience, const sigset_t& while_waiting) {
  pollfd poll{fd, POLLIN, 0};
  return ::ppoll(&poll, 1, patience, &while_waiting) > 0;
}

void note_outcome(const ucred& peer, const CompileOutcome& outcome) {
  if (outcome.has_value()) {
    std::fprintf(stderr,
                 "compiled image=%s orders=%llu names=%llu patterns=%llu refused=%llu seconds=%.3f pid=%d uid=%u\n",
                 outcome->path.c_str(), static_cast<unsigned long long>(outcome->orders),
                 static_cast<unsigned long long>(outcome->names), static_cast<unsigned long long>(outcome->patterns),
                 static_cast<unsigned long long>(outcome->refused), outcome->seconds, peer.pid, peer.uid);
  } else {
    std::fprintf(stderr, "refused error=%s feed=%s pid=%d uid=%u: %s\n", outcome.error().code.c_str(),
                 outcome.error().feed.c_str(), peer.pid, peer.uid, outcome.error().detail.c_str());
  }
}

CompileOutcome answer_to(std::string_view packet, bool whole, const Compiler& compiler) {
  if (!whole) return std::unexpected(CompileFailure{"", "too-large", "request over 64 KiB"});
  const auto request = read_request(packet);
  if (!request) return std::unexpected(CompileFailure{"", "malformed", request.error()});
  return compiler.run(*request, static_cast<UnixSeconds>(std::time(nullptr)));
}

/// One client, to its end.
void talk(int fd, const Compiler& compiler, const sigset_t& while_waiting) {
  ucred peer{};
  socklen_t peer_bytes = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) != 0) return;
  std::vector<char> packet(kMaxRequestBytes);
  while (asked_to_end == 0 && wait_readable(fd, &kPatience, while_waiting)) {
    const ssize_t n = ::recv(fd, packet.data(), packet.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (n <= 0) return;
    const auto bytes = static_cast<std::size_t>(n);
    const bool whole = bytes <= packet.size();
    const CompileOutcome outcome = answer_to({packet.data(), whole ? bytes : 0}, whole, compiler);
    note_outcome(peer, outcome);
    const std::string answer = write_answer(outcome);
    if (::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
  }
}

}  // namespace

Result<CompileSocket, std::string> CompileSocket::listen(const std::string& path, std::optional<gid_t> group) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::unexpected(path + ": too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);

  CompileSocket out(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), {});
  if (out.fd_ < 0) return std::unexpected(failure(path));
  struct stat about{};
  if (::lstat(path.c_str(), &about) == 0 && S_ISSOCK(about.st_mode)) ::unlink(path.c_str());
  const mode_t before = ::umask(0177);
  const int bound = ::bind(out.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(before);
  if (bound != 0) return std::unexpected(failure(path));
  out.path_ = path;
  if ((group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) || ::chmod(path.c_str(), 0660) != 0 ||
      ::listen(out.fd_, 8) != 0) {
    return std::unexpected(failure(path));
  }
  return out;
}

CompileSocket::~CompileSocket() {
  if (fd_ >= 0) ::close(fd_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

CompileSocket::CompileSocket(CompileSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::exchange(other.path_, {})) {}

void CompileSocket::serve(const Compiler& compiler) {
  const sigset_t while_waiting = block_signals();
  while (asked_to_end == 0) {
    if (!wait_readable(fd_, nullptr, while_waiting)) continue;
    const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    talk(client, compiler, while_waiting);
    ::close(client);
  }
}

}  // namespace sluice
