#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/tlog/merkle.h"
#include "rules/tlog/note.h"

namespace sluice {

// An append-only log as static files, in the layout of C2SP tlog-tiles: any file server can serve it, and anybody can
// audit it from the files alone.
//
//   checkpoint                         signed note: origin, size, root
//   tile/<L>/<N>[.p/<W>]               256 (or W) hashes of complete subtrees of level 8 L
//   tile/entries/<N>[.p/<W>]           256 (or W) entries, each behind its length in two bytes, big-endian

inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr std::size_t kMaxEntryBytes = 65535;
inline constexpr int kEntryLevel = -1;  ///< where a level is asked for: the tiles of entries

/// Path of a tile below the log's folder; kEntryLevel stands for "entries". Width 256: a full tile.
[[nodiscard]] std::string tile_path(int level, std::uint64_t n, std::uint64_t width);
/// Hashes (or entries) that tile n of a level holds in a log of `size` entries; 0 where it does not exist.
[[nodiscard]] std::uint64_t tile_width(int level, std::uint64_t n, std::uint64_t size) noexcept;
/// One entry as tiles hold it, behind its length.
void append_entry(std::string& tile, std::string_view entry);
/// The entries of a tile; false where lengths and bytes disagree.
[[nodiscard]] bool split_entries(Bytes tile, std::vector<std::string>& out);

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
  /// Gives the bytes of a file by its path below the log's folder, at most so many.
  using Read = std::function<Result<std::string, LogError>(const std::string& path, std::size_t most)>;

  explicit LogFiles(const std::filesystem::path& folder);
  /// Of a log somewhere else, such as behind a URL.
  explicit LogFiles(Read read) : read_(std::move(read)) {}

  [[nodiscard]] Result<std::string, LogError> file(const std::string& path, std::size_t most) const {
    return read_(path, most);
  }

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
  Read read_;
};

}  // namespace sluice
