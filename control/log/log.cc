#include "control/log/log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <map>
#include <set>

#include "control/log/fail.h"

namespace sluice {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kFewFiles = 8;  ///< up to here fsync of each is cheaper than syncfs
constexpr std::size_t kPendingHead = 8;

Result<void, LogError> sync_path(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail_errno(path, "open");
  const bool ok = ::fsync(fd) == 0;
  ::close(fd);
  if (!ok) return fail_errno(path, "fsync");
  return {};
}

/// Writes under another name, which no server hands out, and renames. Whoever needs it on the disk syncs.
Result<void, LogError> place_file(const fs::path& path, std::string_view bytes, bool synced) {
  const fs::path temporary = path.parent_path() / ("." + path.filename().string() + ".new");
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return fail_errno(temporary, "open");
  bool ok = true;
  while (ok && !bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    ok = n >= 0 || errno == EINTR;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  ok = ok && (!synced || ::fsync(fd) == 0);
  if (!ok) {
    auto failed = fail_errno(temporary, "write");
    ::close(fd);
    return failed;
  }
  if (::close(fd) != 0) return fail_errno(temporary, "close");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno(path, "rename");
  return {};
}

Result<void, LogError> replace_file(const fs::path& path, std::string_view bytes) {
  if (auto placed = place_file(path, bytes, true); !placed.has_value()) return placed;
  return sync_path(path.parent_path());
}

/// Files of one append: all of them are on the disk after sync(), with the folders that lead to them.
class Batch {
 public:
  explicit Batch(const fs::path& top) : top_(top) {}

  Result<void, LogError> add(const fs::path& file, std::string_view bytes) {
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    if (error) return fail(LogError::Code::Io, file.parent_path().string() + ": " + error.message());
    files_.push_back(file);
    for (fs::path folder = file.parent_path(); folders_.insert(folder).second && folder != top_;) {
      folder = folder.parent_path();
    }
    return place_file(file, bytes, false);
  }
  Result<void, LogError> sync(int top_fd) {
    if (files_.size() > kFewFiles) {
      if (::syncfs(top_fd) != 0) return fail_errno(top_, "syncfs");
      return {};
    }
    for (const fs::path& file : files_) {
      if (auto synced = sync_path(file); !synced.has_value()) return synced;
    }
    for (const fs::path& folder : folders_) {
      if (auto synced = sync_path(folder); !synced.has_value()) return synced;
    }
    return {};
  }

 private:
  fs::path top_;
  std::vector<fs::path> files_;
  std::set<fs::path> folders_;
};

Result<std::string, LogError> read_all(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail_errno(path, "open");
  std::string bytes;
  std::array<char, 64 << 10> chunk;
  for (;;) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      auto failed = fail_errno(path, "read");
      ::close(fd);
      if (n == 0) return bytes;
      return failed;
    }
    bytes.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

Log::Log(fs::path folder, NoteVerifier who, const std::array<std::uint8_t, 64>& secret, int lock_fd)
    : files_(folder), folder_(std::move(folder)), who_(std::move(who)), secret_(secret), lock_fd_(lock_fd) {}

Log::~Log() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

Result<Log, LogError> Log::open(const fs::path& folder, const NoteVerifier& who,
                                const std::array<std::uint8_t, 64>& secret) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(LogError::Code::Io, folder.string() + ": " + error.message());
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail_errno(folder, "open");
  Log log(folder, who, secret, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return fail_errno(folder, "another process writes this log");
  if (!fs::exists(folder / "checkpoint")) {
    if (auto begun = log.write_checkpoint(0, log.root()); !begun.has_value()) return std::unexpected(begun.error());
    return log;
  }
  const auto head = log.files_.checkpoint(who);
  if (!head.has_value()) return std::unexpected(head.error());
  try {
    log.edge_ = TreeEdge(head->size, log.files_.subtrees(head->size));
  } catch (const LogError& bad) {
    return std::unexpected(bad);
  }
  if (log.root() != head->root) return fail(LogError::Code::Corrupt, "tiles do not give the root of the checkpoint");
  if (auto finished = log.finish_pending(); !finished.has_value()) return std::unexpected(finished.error());
  return log;
}

Result<void, LogError> Log::write_checkpoint(std::uint64_t size, const TreeHash& root) const {
  return replace_file(folder_ / "checkpoint", sign_note(to_text({who_.name, size, root}), who_, secret_));
}

/// `.pending`: the size of the log that these entries follow, in eight bytes, big-endian; then the entries as a tile
/// holds them.
Result<void, LogError> Log::finish_pending() {
  const fs::path file = folder_ / ".pending";
  if (!fs::exists(file)) return {};
  const auto bytes = read_all(file);
  if (!bytes.has_value()) return std::unexpected(bytes.error());
  const auto* at = reinterpret_cast<const std::uint8_t*>(bytes->data());
  std::vector<std::string> entries;
  const bool whole =
      bytes->size() >= kPendingHead && split_entries({at + kPendingHead, bytes->size() - kPendingHead}, entries);
  const std::uint64_t base = whole ? load_be64(at) : 0;
  if (!whole || base > size()) return fail(LogError::Code::Corrupt, file.string() + ": not of this log");
  if (base == size()) {
    if (auto grown = grow(entries); !grown.has_value()) return grown;
  }
  fs::remove(file);
  return {};
}

Result<std::uint64_t, LogError> Log::append(std::span<const std::string> entries) {
  if (in_doubt_) return fail(LogError::Code::Io, "an append before this one failed half-way");
  const std::uint64_t before = size();
  std::string pending(kPendingHead, '\0');
  store_be64(reinterpret_cast<std::uint8_t*>(pending.data()), before);
  for (const std::string& entry : entries) {
    if (entry.size() > kMaxEntryBytes) return fail(LogError::Code::TooLarge, "an entry is over 65,535 bytes");
    append_entry(pending, entry);
  }
  if (entries.empty()) return before;
  in_doubt_ = true;
  if (auto kept = replace_file(folder_ / ".pending", pending); !kept.has_value()) return std::unexpected(kept.error());
  if (auto grown = grow(entries); !grown.has_value()) return std::unexpected(grown.error());
  if (::unlink((folder_ / ".pending").c_str()) != 0) return fail_errno(folder_ / ".pending", "unlink");
  in_doubt_ = false;
  return before;
}

Result<void, LogError> Log::grow(std::span<const std::string> entries) {
  const std::uint64_t before = size();
  // Tiles that grow, each begun with what its partial predecessor held.
  std::map<std::pair<int, std::uint64_t>, std::string> tiles;
  LogError failure{};
  bool good = true;
  const auto grown = [&](int level, std::uint64_t index) -> std::string& {
    const std::uint64_t n = index / kTileWidth;
    const auto [at, fresh] = tiles.try_emplace({level, n});
    if (fresh && tile_width(level, n, before) > 0) {
      const auto partial = files_.tile(level, n, before);
      if (partial.has_value()) {
        at->second.assign(partial->begin(), partial->end());
      } else {
        good = false;
        failure = partial.error();
      }
    }
    return at->second;
  };
  TreeEdge edge = edge_;
  for (const std::string& entry : entries) {
    append_entry(grown(kEntryLevel, edge.size()), entry);
    edge.push(
        leaf_hash({reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()}),
        [&](unsigned level, std::uint64_t index, const TreeHash& hash) {
          if (level % 8 != 0) return;
          grown(static_cast<int>(level / 8), index).append(reinterpret_cast<const char*>(hash.data()), hash.size());
        });
  }
  if (!good) return std::unexpected(failure);
  Batch batch(folder_);
  for (const auto& [key, bytes] : tiles) {
    const auto [level, n] = key;
    const fs::path file = folder_ / tile_path(level, n, tile_width(level, n, edge.size()));
    if (auto written = batch.add(file, bytes); !written.has_value()) return written;
  }
  if (auto synced = batch.sync(lock_fd_); !synced.has_value()) return synced;
  if (auto shown = write_checkpoint(edge.size(), edge.root()); !shown.has_value()) return shown;
  edge_ = std::move(edge);
  return {};
}

}  // namespace sluice
