#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// Serves a log's public files over HTTP or HTTPS (libmicrohttpd, one thread of its own): GET and HEAD of /checkpoint,
/// /tile/… and /targets/SHA256, and of /lookup?name=. Nothing else of the folder, and nothing through a link. Tiles and
/// lists never change: they are told to be kept for a year; the checkpoint is not.
class FileServer {
 public:
  static constexpr unsigned kMaxConnections = 256;
  static constexpr unsigned kMaxPerAddress = 16;
  static constexpr unsigned kIdleSeconds = 15;

  struct Options {
    int listener = -1;  ///< of listen_on(); the server's from here on
    std::filesystem::path folder;
    std::string certificate, key;  ///< PEM texts; empty: plain HTTP
    /// Answers /lookup in the server's thread: JSON, or nothing where the name is none.
    std::function<std::optional<std::string>(const std::string& name)> lookup;
  };
  /// Throws std::system_error or std::runtime_error where it cannot serve.
  explicit FileServer(Options options);
  ~FileServer();
  FileServer(const FileServer&) = delete;
  FileServer& operator=(const FileServer&) = delete;

  /// Where it listens: for a port 0 that was asked for.
  [[nodiscard]] unsigned port() const;

  /// The rest is for the library's callbacks.
  struct Parts;

 private:
  std::unique_ptr<Parts> parts_;
};

/// A listening socket at ADDRESS:PORT, numeric; [ADDRESS]:PORT for IPv6. To be had before a process gives up making
/// sockets. Throws std::system_error or std::runtime_error where that cannot be.
[[nodiscard]] int listen_on(const std::string& where);

/// True for the paths of a log that everybody may have.
[[nodiscard]] bool is_log_path(std::string_view path) noexcept;

}  // namespace sluice
