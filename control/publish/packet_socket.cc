#include "control/publish/packet_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace sluice {

using Clock = std::chrono::steady_clock;

std::string_view to_string(SocketError error) noexcept {
  switch (error) {
    case SocketError::Unreachable: return "nobody listens on the socket";
    case SocketError::Timeout: return "no answer in time";
    case SocketError::Closed: return "the connection was closed";
    case SocketError::TooLong: return "the answer is too long";
    case SocketError::Cancelled: return "cancelled";
  }
  return "";
}

PacketSocket::~PacketSocket() {
  close();
}

void PacketSocket::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<void, SocketError> PacketSocket::connect(const std::filesystem::path& path) {
  close();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) return std::unexpected(SocketError::Unreachable);
  std::memcpy(address.sun_path, text.data(), text.size());
  // Not blocking: a peer that is stopped with a full backlog answers EAGAIN instead of holding us.
  fd_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return std::unexpected(SocketError::Unreachable);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const bool stuck = errno == EAGAIN;
    close();
    return std::unexpected(stuck ? SocketError::Timeout : SocketError::Unreachable);
  }
  return {};
}

Result<void, SocketError> PacketSocket::wait(short events, Clock::time_point deadline) {
  if (fd_ < 0) return std::unexpected(SocketError::Closed);
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    std::array<pollfd, 2> fds{{{fd_, events, 0}, {cancel_fd_, POLLIN, 0}}};
    const int n = ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (n > 0 && fds[1].revents == 0) return {};
    if (n < 0 && errno == EINTR) continue;
    close();
    if (n > 0) return std::unexpected(SocketError::Cancelled);
    return std::unexpected(n == 0 ? SocketError::Timeout : SocketError::Closed);
  }
}

Result<void, SocketError> PacketSocket::send(std::string_view packet, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    if (const auto ready = wait(POLLOUT, deadline); !ready) return ready;
    const ssize_t n = ::send(fd_, packet.data(), packet.size(), MSG_NOSIGNAL);
    if (n == static_cast<ssize_t>(packet.size())) return {};
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    const bool too_long = n < 0 && errno == EMSGSIZE;
    close();
    return std::unexpected(too_long ? SocketError::TooLong : SocketError::Closed);
  }
}

Result<std::string, SocketError> PacketSocket::receive(std::size_t cap, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::string packet(cap + 1, '\0');  // one more, to tell a packet that is too long
  for (;;) {
    if (const auto ready = wait(POLLIN, deadline); !ready) return std::unexpected(ready.error());
    const ssize_t n = ::recv(fd_, packet.data(), packet.size(), 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n > 0 && static_cast<std::size_t>(n) <= cap) {
      packet.resize(static_cast<std::size_t>(n));
      return packet;
    }
    close();
    return std::unexpected(n > 0 ? SocketError::TooLong : SocketError::Closed);
  }
}

}  // namespace sluice
