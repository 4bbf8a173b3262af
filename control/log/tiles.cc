#include "control/log/tiles.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace sluice {
namespace fs = std::filesystem;
namespace {

constexpr int kEntries = -1;
constexpr std::size_t kHashBytes = 32;

std::unexpected<LogError> fail(LogError::Code code, const std::string& detail) {
  return std::unexpected(LogError{code, detail});
}
std::unexpected<LogError> fail_errno(const fs::path& path, const char* what) {
  return fail(LogError::Code::Io, path.string() + ": " + what + ": " + std::strerror(errno));
}

/// Width of tile n of a level on which `count` hashes stand; 0 where it does not exist.
constexpr std::uint64_t width_of(std::uint64_t n, std::uint64_t count) noexcept {
  const std::uint64_t begin = n * kTileWidth;
  return count <= begin ? 0 : std::min(kTileWidth, count - begin);
}
constexpr std::uint64_t count_on(int level, std::uint64_t size) noexcept {
  const unsigned shift = level == kEntries ? 0U : 8U * static_cast<unsigned>(level);
  return shift >= 64 ? 0 : size >> shift;
}

bool sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = ::fsync(fd) == 0;
  ::close(fd);
  return ok;
}

/// Temp file, fsync, rename, fsync of the folder.
Result<void, LogError> write_file(const fs::path& path, std::string_view bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return fail(LogError::Code::Io, path.parent_path().string() + ": " + error.message());
  const fs::path temp = path.string() + ".new";
  const int fd = ::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return fail_errno(temp, "open");
  bool ok = true;
  while (ok && !bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    ok = n >= 0 || errno == EINTR;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  ok = ok && ::fsync(fd) == 0;
  if (!ok) {
    auto failed = fail_errno(temp, "write");
    ::close(fd);
    return failed;
  }
  if (::close(fd) != 0) return fail_errno(temp, "close");
  if (::rename(temp.c_str(), path.c_str()) != 0) return fail_errno(path, "rename");
  if (!sync_folder(path.parent_path())) return fail_errno(path.parent_path(), "fsync");
  return {};
}

Result<std::string, LogError> read_file(const fs::path& path, std::size_t most) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail_errno(path, "open");
  std::string bytes(most + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (bytes.size() > most) return fail(LogError::Code::Corrupt, path.string() + ": larger than such a file can be");
  return bytes;
}

/// Splits an entry tile; nothing where lengths and bytes disagree.
bool split_entries(std::span<const std::uint8_t> bytes, std::uint64_t width, std::vector<std::string>& out) {
  for (std::uint64_t i = 0; i < width; ++i) {
    if (bytes.size() < 2) return false;
    const std::size_t length = load_be16(bytes.data());
    if (bytes.size() - 2 < length) return false;
    out.emplace_back(reinterpret_cast<const char*>(bytes.data()) + 2, length);
    bytes = bytes.subspan(2 + length);
  }
  return bytes.empty();
}

void append_entry(std::string& tile, std::string_view entry) {
  std::array<std::uint8_t, 2> length;
  store_be16(length.data(), static_cast<std::uint16_t>(entry.size()));
  tile.append(reinterpret_cast<const char*>(length.data()), length.size());
  tile.append(entry);
}

}  // namespace

std::string tile_path(int level, std::uint64_t n, std::uint64_t width) {
  std::string number;
  for (bool last = true; last || n > 0; n /= 1000, last = false) {
    const std::string digits = std::to_string(n % 1000);
    number.insert(0, digits).insert(0, 3 - digits.size(), '0').insert(0, last ? "/" : "/x");
  }
  std::string path = "tile/";
  path.append(level == kEntries ? std::string("entries") : std::to_string(level)).append(number);
  if (width != kTileWidth) path.append(".p/").append(std::to_string(width));
  return path;
}

Result<std::vector<std::uint8_t>, LogError> LogFiles::tile(int level, std::uint64_t n, std::uint64_t size) const {
  const std::uint64_t width = width_of(n, count_on(level, size));
  const fs::path path = folder_ / tile_path(level, n, width);
  const std::size_t most = level == kEntries ? width * (2 + kMaxEntryBytes) : width * kHashBytes;
  auto bytes = read_file(path, most);
  if (!bytes.has_value()) return std::unexpected(bytes.error());
  if (level != kEntries && bytes->size() != most) {
    return fail(LogError::Code::Corrupt,
                path.string() + ": " + std::to_string(bytes->size()) + " bytes instead of " + std::to_string(most));
  }
  return std::vector<std::uint8_t>(bytes->begin(), bytes->end());
}

SubtreeHash LogFiles::subtrees(std::uint64_t size) const {
  return [this, size](unsigned level, std::uint64_t index) {
    const int tile_level = static_cast<int>(level / 8);
    const unsigned height = level % 8;
    const std::uint64_t first = index << height;
    const auto hashes = tile(tile_level, first / kTileWidth, size);
    if (!hashes.has_value()) throw LogError(hashes.error());
    std::vector<TreeHash> row(std::size_t{1} << height);
    const std::size_t offset = static_cast<std::size_t>(first % kTileWidth) * kHashBytes;
    if (offset + row.size() * kHashBytes > hashes->size()) {
      throw LogError{LogError::Code::Corrupt, tile_path(tile_level, first / kTileWidth, kTileWidth) + ": too short"};
    }
    std::memcpy(row.data(), hashes->data() + offset, row.size() * kHashBytes);
    for (; row.size() > 1; row.resize(row.size() / 2)) {
      for (std::size_t i = 0; i < row.size() / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
    }
    return row[0];
  };
}

Result<Checkpoint, LogError> LogFiles::checkpoint(const NoteVerifier& who) const {
  const auto note = read_file(folder_ / "checkpoint", 1 << 20);
  if (!note.has_value()) return std::unexpected(note.error());
  const auto text = open_note(*note, who);
  if (!text.has_value()) return fail(LogError::Code::Signature, "checkpoint: " + std::string(to_string(text.error())));
  const auto checkpoint = parse_checkpoint(*text);
  if (!checkpoint.has_value() || checkpoint->origin != who.name) {
    return fail(LogError::Code::Signature, "checkpoint: not of the log " + who.name);
  }
  return *checkpoint;
}

Result<std::vector<std::string>, LogError> LogFiles::entries(std::uint64_t first, std::uint64_t count,
                                                             std::uint64_t size) const {
  std::vector<std::string> out;
  while (count > 0) {
    const std::uint64_t n = first / kTileWidth;
    const auto bytes = tile(kEntries, n, size);
    if (!bytes.has_value()) return std::unexpected(bytes.error());
    std::vector<std::string> all;
    if (!split_entries(*bytes, width_of(n, size), all)) {
      return fail(LogError::Code::Corrupt, tile_path(kEntries, n, kTileWidth) + ": lengths and bytes disagree");
    }
    const std::uint64_t skip = first % kTileWidth;
    const std::uint64_t take = std::min(count, all.size() > skip ? all.size() - skip : 0);
    if (take == 0) return fail(LogError::Code::Corrupt, tile_path(kEntries, n, kTileWidth) + ": too few entries");
    for (std::uint64_t i = 0; i < take; ++i) out.push_back(std::move(all[skip + i]));
    first += take;
    count -= take;
  }
  return out;
}

Result<Checkpoint, LogError> LogFiles::verify(const NoteVerifier& who) const {
  const auto head = checkpoint(who);
  if (!head.has_value()) return head;
  TreeEdge edge;
  std::map<std::pair<int, std::uint64_t>, std::string> tiles;  // rebuilt, dropped once compared
  LogError failure{};
  const auto compare = [&](int level, std::uint64_t n) {
    const auto found = tile(level, n, head->size);
    const std::string& want = tiles[{level, n}];
    if (!found.has_value()) {
      failure = found.error();
    } else if (want.size() != found->size() || std::memcmp(want.data(), found->data(), want.size()) != 0) {
      failure = {LogError::Code::Corrupt, tile_path(level, n, kTileWidth) + ": does not follow from the entries"};
    } else {
      tiles.erase({level, n});
      return true;
    }
    return false;
  };
  bool good = true;
  const auto completed = [&](unsigned level, std::uint64_t index, const TreeHash& hash) {
    if (level % 8 != 0 || !good) return;
    const int tile_level = static_cast<int>(level / 8);
    tiles[{tile_level, index / kTileWidth}].append(reinterpret_cast<const char*>(hash.data()), hash.size());
    if (index % kTileWidth == kTileWidth - 1) good = compare(tile_level, index / kTileWidth);
  };
  for (std::uint64_t at = 0; good && at < head->size; at += kTileWidth) {
    const auto some = entries(at, std::min(kTileWidth, head->size - at), head->size);
    if (!some.has_value()) return std::unexpected(some.error());
    for (const std::string& entry : *some) {
      edge.push(leaf_hash({reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()}), completed);
    }
  }
  while (good && !tiles.empty()) {
    const auto [level, n] = tiles.begin()->first;
    good = compare(level, n);
  }
  if (!good) return std::unexpected(failure);
  if (edge.root() != head->root)
    return fail(LogError::Code::Corrupt, "checkpoint: its root is not that of the entries");
  return head;
}

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
  return log;
}

Result<void, LogError> Log::write_checkpoint(std::uint64_t size, const TreeHash& root) const {
  return write_file(folder_ / "checkpoint", sign_note(to_text({who_.name, size, root}), who_, secret_));
}

Result<std::uint64_t, LogError> Log::append(std::span<const std::string> entries) {
  const std::uint64_t before = size();
  for (const std::string& entry : entries) {
    if (entry.size() > kMaxEntryBytes) return fail(LogError::Code::TooLarge, "an entry is over 65,535 bytes");
  }
  if (entries.empty()) return before;

  // Tiles that grow, each begun with what its partial predecessor held.
  std::map<std::pair<int, std::uint64_t>, std::string> tiles;
  LogError failure{};
  bool good = true;
  const auto grow = [&](int level, std::uint64_t index) -> std::string& {
    const std::uint64_t n = index / kTileWidth;
    const auto [at, fresh] = tiles.try_emplace({level, n});
    if (fresh && width_of(n, count_on(level, before)) > 0) {
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
    append_entry(grow(kEntries, edge.size()), entry);
    edge.push(
        leaf_hash({reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()}),
        [&](unsigned level, std::uint64_t index, const TreeHash& hash) {
          if (level % 8 != 0) return;
          grow(static_cast<int>(level / 8), index).append(reinterpret_cast<const char*>(hash.data()), hash.size());
        });
  }
  if (!good) return std::unexpected(failure);
  for (const auto& [key, bytes] : tiles) {
    const auto [level, n] = key;
    const std::uint64_t width = width_of(n, count_on(level, edge.size()));
    if (auto written = write_file(folder_ / tile_path(level, n, width), bytes); !written.has_value()) {
      return std::unexpected(written.error());
    }
  }
  if (auto shown = write_checkpoint(edge.size(), edge.root()); !shown.has_value()) {
    return std::unexpected(shown.error());
  }
  edge_ = std::move(edge);
  return before;
}

}  // namespace sluice
