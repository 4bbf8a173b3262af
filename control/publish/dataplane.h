#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "control/publish/packet_socket.h"
#include "dataplane/base/result.h"

namespace sluice {

/// What the data plane says of itself (`/sluice/health`), as far as the control side acts on it.
struct Health {
  std::uint64_t pid = 0;
  std::string mode;                  ///< observe | enforce
  std::string image_sha256;          ///< of the image that every worker runs; empty: none
  std::string last_error;            ///< of the last image it refused
  std::uint64_t oldest_poll_us = 0;  ///< since the worker that is furthest behind last looked for packets
  std::string json;                  ///< the whole answer, minified, for status
};

/// Outcome of `/sluice/load`.
struct Loaded {
  bool ok = false;
  std::string sha256;  ///< where ok
  std::string error;   ///< where not: the code of the data plane, e.g. "bad-signature"
};

/// Answers as DPDK wraps them, `{"/sluice/health":{…}}`; nothing where they are not JSON of that shape. Never throw:
/// what another process sends is checked like any input.
[[nodiscard]] std::optional<Health> read_health(std::string_view answer) noexcept;
[[nodiscard]] std::optional<Loaded> read_loaded(std::string_view answer) noexcept;

/// A client of DPDK's telemetry socket. The data plane may die, stop and come back at any time: each call connects
/// where needed and is bounded in time. One thread at a time.
class Dataplane {
 public:
  static constexpr std::size_t kMaxRequest = 1023;  ///< bytes; DPDK 22.11 lib/telemetry
  static constexpr std::size_t kMaxAnswer = 16 << 10;

  /// `cancel_fd`: see PacketSocket.
  explicit Dataplane(std::filesystem::path telemetry, int cancel_fd = -1)
      : socket_path_(std::move(telemetry)), socket_(cancel_fd) {}

  Result<Health, SocketError> health(std::chrono::milliseconds timeout);
  /// Hands over an image and waits until every worker runs it or it is refused.
  Result<Loaded, SocketError> load(const std::filesystem::path& image, std::chrono::milliseconds timeout);

 private:
  Result<std::string, SocketError> ask(const std::string& command, std::chrono::milliseconds timeout);
  std::filesystem::path socket_path_;
  PacketSocket socket_;
};

}  // namespace sluice
