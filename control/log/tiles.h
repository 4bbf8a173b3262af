#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/log/merkle.h"
#include "control/log/note.h"
#include "dataplane/base/result.h"

namespace sluice {

// An append-only log as static files, in the layout of C2SP tlog-tiles: any file server can serve it, and anybody can
// audit it from the files alone.
//
//   checkpoint                         signed note: origin, size, root
//   tile/<L>/<N>[.p/<W>]               256 (or W) hashes of complete subtrees of level 8 L
//   tile/entries/<N>[.p/<W>]           256 (or W) entries, each behind its length in two bytes, big-endian

inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr std::size_t kMaxEntryBytes = 65535;

/// Path of a tile below the log's folder; level -1 stands for "entries". Width 256: a full tile.
[[nodiscard]] std::string tile_path(int level, std::uint64_t n, std::uint64_t width);

struct LogError {
  enum class Code : std::uint8_t {
    Io,         ///< a file or folder cannot be read or written
    Corrupt,    ///< a tile of a wrong size, or tiles that do not give the root of the checkpoint
    Signature,  ///< the checkpoint is not signed by the key, or is of another origin
    TooLarge,   ///< an entry over 65,535 bytes
  } code;
  std::string detail;
};

/// A log's files, read-only. The folder is not trusted: what a tile says counts only after verify() or a proof.
class LogFiles {
 public:
  explicit LogFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] Result<Checkpoint, LogError> checkpoint(const NoteVerifier& who) const;
  /// Entries [first, first + count) of a log of `size` entries.
  [[nodiscard]] Result<std::vector<std::string>, LogError> entries(std::uint64_t first, std::uint64_t count,
                                                                   std::uint64_t size) const;
  /// Hashes of complete subtrees, for proofs on a log of `size` entries. Throws LogError where a tile is missing.
  [[nodiscard]] SubtreeHash subtrees(std::uint64_t size) const;
  /// Audits all of it: every entry is hashed again, every tile compared, the root must be the checkpoint's.
  [[nodiscard]] Result<Checkpoint, LogError> verify(const NoteVerifier& who) const;

  [[nodiscard]] Result<std::vector<std::uint8_t>, LogError> tile(int level, std::uint64_t n, std::uint64_t size) const;

 private:
  std::filesystem::path folder_;
};

/// The writer: one process, one at a time (flock on the folder). Nothing of an append shows before the checkpoint that
/// names it was renamed into place; a crash leaves the old or the new log, and never two.
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
        lock_fd_(std::exchange(from.lock_fd_, -1)) {}
  Log& operator=(Log&&) = delete;
  ~Log();

  /// Index of the first of the new entries. All or none of them are in the log afterwards.
  Result<std::uint64_t, LogError> append(std::span<const std::string> entries);

  [[nodiscard]] std::uint64_t size() const noexcept { return edge_.size(); }
  [[nodiscard]] TreeHash root() const noexcept { return edge_.root(); }
  [[nodiscard]] const LogFiles& files() const noexcept { return files_; }

 private:
  Log(std::filesystem::path folder, NoteVerifier who, const std::array<std::uint8_t, 64>& secret, int lock_fd);
  [[nodiscard]] Result<void, LogError> write_checkpoint(std::uint64_t size, const TreeHash& root) const;

  LogFiles files_;
  std::filesystem::path folder_;
  NoteVerifier who_;
  std::array<std::uint8_t, 64> secret_;
  TreeEdge edge_;
  int lock_fd_;
};

}  // namespace sluice
