#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "dataplane/base/result.h"
#include "rules/compile/compiler.h"

namespace sluice {

/// The listening end of compile.sock: SOCK_SEQPACKET, one request and one answer a packet, one client at a time (a
/// silent one is let go after some seconds). Who may ask is a matter of the socket's mode, 0660, and group.
class CompileSocket {
 public:
  /// Takes the place of a socket that a dead process left at `path`.
  static Result<CompileSocket, std::string> listen(const std::string& path, std::optional<gid_t> group);
  ~CompileSocket();
  CompileSocket(CompileSocket&& other) noexcept;
  CompileSocket& operator=(CompileSocket&&) = delete;

  /// Answers until SIGTERM or SIGINT, both of which are blocked but while it waits.
  void serve(const Compiler& compiler);

 private:
  CompileSocket(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
};

}  // namespace sluice
