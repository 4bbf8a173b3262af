#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {

/// A real SOCK_SEQPACKET server for one client at a time: sends `banner` (where not empty) on connect, then answers
/// each packet with answer(packet); an empty answer closes the connection, "-" answers nothing at all.
class PacketPeer {
 public:
  PacketPeer(const std::filesystem::path& path, std::string banner,
             std::function<std::string(const std::string&)> answer)
      : banner_(std::move(banner)), answer_(std::move(answer)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    fd_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ::unlink(path.c_str());
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd_, 4) != 0) {
      throw std::runtime_error("PacketPeer: bind");
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~PacketPeer() {
    ending_ = true;
    ::shutdown(fd_, SHUT_RDWR);
    if (const int c = client_.load(); c >= 0) ::shutdown(c, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  PacketPeer(const PacketPeer&) = delete;
  PacketPeer& operator=(const PacketPeer&) = delete;

 private:
  void serve() {
    for (;;) {
      const int client = ::accept(fd_, nullptr, nullptr);
      if (client < 0) return;
      client_ = client;
      if (ending_) ::shutdown(client, SHUT_RDWR);
      if (!banner_.empty()) (void)::send(client, banner_.data(), banner_.size(), MSG_NOSIGNAL);
      std::vector<char> buffer(70000);
      for (;;) {
        const ssize_t n = ::recv(client, buffer.data(), buffer.size(), 0);
        if (n <= 0) break;
        const std::string reply = answer_(std::string(buffer.data(), static_cast<std::size_t>(n)));
        if (reply == "-") continue;
        if (reply.empty()) break;
        (void)::send(client, reply.data(), reply.size(), MSG_NOSIGNAL);
      }
      client_ = -1;
      ::close(client);
    }
  }

  std::string banner_;
  std::function<std::string(const std::string&)> answer_;
  int fd_ = -1;
  std::atomic<int> client_{-1};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace sluice::test
