#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "control/log/tiles.h"
#include "dataplane/base/result.h"
#include "rules/tlog/merkle.h"
#include "rules/tlog/note.h"

namespace sluice {

/// The writer: one process, one at a time (flock on the folder). What is appended is first kept in `.pending`, then
/// shown by the checkpoint that names it; open() finishes what a crash left there, to the very same checkpoint (Ed25519
/// gives the same signature again). So whoever saw a checkpoint will find it confirmed: there is one log, and never
/// two.
class Log {
 public:
  /// Opens the log in `folder`, or begins one. `origin` is the log's name and its key's.
  static Result<Log, LogError> open(const std::filesystem::path& folder, const NoteVerifier& who,
                                    const std::array<std::uint8_t, 64>& secret);
  Log(Log&& from) noexcept
      : files_(std::move(from.files_)),
        folder_(std::move(from.folder_)),
        who_(std::move(from.who_)),
        secret_(from.secret_),
        edge_(std::move(from.edge_)),
        lock_fd_(std::exchange(from.lock_fd_, -1)),
        in_doubt_(from.in_doubt_) {}
  Log& operator=(Log&&) = delete;
  ~Log();

  /// Index of the first of the new entries. After an error nobody knows whether the log will hold them: open it again,
  /// which settles it. All or none of them are in the log then.
  Result<std::uint64_t, LogError> append(std::span<const std::string> entries);

  [[nodiscard]] std::uint64_t size() const noexcept { return edge_.size(); }
  [[nodiscard]] TreeHash root() const noexcept { return edge_.root(); }
  [[nodiscard]] const LogFiles& files() const noexcept { return files_; }

 private:
  Log(std::filesystem::path folder, NoteVerifier who, const std::array<std::uint8_t, 64>& secret, int lock_fd);
  [[nodiscard]] Result<void, LogError> write_checkpoint(std::uint64_t size, const TreeHash& root) const;
  [[nodiscard]] Result<void, LogError> finish_pending();
  [[nodiscard]] Result<void, LogError> grow(std::span<const std::string> entries);

  LogFiles files_;
  std::filesystem::path folder_;
  NoteVerifier who_;
  std::array<std::uint8_t, 64> secret_;
  TreeEdge edge_;
  int lock_fd_;
  bool in_doubt_ = false;  ///< an append failed half-way
};

}  // namespace sluice
