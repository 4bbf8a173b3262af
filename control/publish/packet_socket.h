#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace sluice {

enum class SocketError : std::uint8_t {
  Unreachable,  ///< nobody listens there
  Timeout,      ///< no answer in time: the peer is stopped or stuck
  Closed,       ///< the peer went away, or answered with nothing
  TooLong,      ///< a packet larger than the protocol allows
  Cancelled,    ///< we are ending
};
[[nodiscard]] std::string_view to_string(SocketError error) noexcept;

/// A client's end of a Unix SOCK_SEQPACKET socket: one request is one packet, and so is its answer. Every call is
/// bounded in time; after an error the connection is closed, and the next call starts with connect().
class PacketSocket {
 public:
  /// `cancel_fd`, where not -1: once it is readable, every wait ends with Cancelled.
  explicit PacketSocket(int cancel_fd = -1) noexcept : cancel_fd_(cancel_fd) {}
  ~PacketSocket();
  PacketSocket(const PacketSocket&) = delete;
  PacketSocket& operator=(const PacketSocket&) = delete;

  [[nodiscard]] bool connected() const noexcept { return fd_ >= 0; }
  Result<void, SocketError> connect(const std::filesystem::path& path);
  Result<void, SocketError> send(std::string_view packet, std::chrono::milliseconds timeout);
  /// The next packet, of 1 to `cap` bytes.
  Result<std::string, SocketError> receive(std::size_t cap, std::chrono::milliseconds timeout);
  void close() noexcept;

 private:
  Result<void, SocketError> wait(short events, std::chrono::steady_clock::time_point deadline);
  int fd_ = -1;
  int cancel_fd_;
};

}  // namespace sluice
