#include "control/log/tiles.h"

#include <fstream>
#include <map>

#include "control/log/fail.h"

namespace sluice {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kHashBytes = 32;

/// Hashes (or entries) on a level.
constexpr std::uint64_t count_on(int level, std::uint64_t size) noexcept {
  const unsigned shift = level == kEntryLevel ? 0U : 8U * static_cast<unsigned>(level);
  return shift >= 64 ? 0 : size >> shift;
}

Result<std::string, LogError> read_file(const fs::path& path, std::size_t most) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return fail_errno(path, "open");
  std::string bytes(std::min(most + 1, static_cast<std::size_t>(std::max<std::streamoff>(in.tellg(), 0))), '\0');
  in.seekg(0).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (bytes.size() > most) return fail(LogError::Code::Corrupt, path.string() + ": larger than such a file can be");
  return bytes;
}

}  // namespace

LogFiles::LogFiles(const fs::path& folder)
    : read_([folder](const std::string& path, std::size_t most) { return read_file(folder / path, most); }) {}

std::string tile_path(int level, std::uint64_t n, std::uint64_t width) {
  std::string number;
  for (bool last = true; last || n > 0; n /= 1000, last = false) {
    const std::string digits = std::to_string(n % 1000);
    number.insert(0, digits).insert(0, 3 - digits.size(), '0').insert(0, last ? "/" : "/x");
  }
  std::string path = "tile/";
  path.append(level == kEntryLevel ? std::string("entries") : std::to_string(level)).append(number);
  if (width != kTileWidth) path.append(".p/").append(std::to_string(width));
  return path;
}

std::uint64_t tile_width(int level, std::uint64_t n, std::uint64_t size) noexcept {
  const std::uint64_t begin = n * kTileWidth;
  const std::uint64_t count = count_on(level, size);
  return count <= begin ? 0 : std::min(kTileWidth, count - begin);
}

void append_entry(std::string& tile, std::string_view entry) {
  std::array<std::uint8_t, 2> length;
  store_be16(length.data(), static_cast<std::uint16_t>(entry.size()));
  tile.append(reinterpret_cast<const char*>(length.data()), length.size());
  tile.append(entry);
}

bool split_entries(Bytes tile, std::vector<std::string>& out) {
  while (!tile.empty()) {
    if (tile.size() < 2) return false;
    const std::size_t length = load_be16(tile.data());
    if (tile.size() - 2 < length) return false;
    out.emplace_back(reinterpret_cast<const char*>(tile.data()) + 2, length);
    tile = tile.subspan(2 + length);
  }
  return true;
}

Result<std::vector<std::uint8_t>, LogError> LogFiles::tile(int level, std::uint64_t n, std::uint64_t size) const {
  const std::uint64_t width = tile_width(level, n, size);
  const std::string path = tile_path(level, n, width);
  const std::size_t most = level == kEntryLevel ? width * (2 + kMaxEntryBytes) : width * kHashBytes;
  const auto bytes = read_(path, most);
  if (!bytes.has_value()) return std::unexpected(bytes.error());
  if (level != kEntryLevel && bytes->size() != most) {
    return fail(LogError::Code::Corrupt,
                path + ": " + std::to_string(bytes->size()) + " bytes instead of " + std::to_string(most));
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
  const auto note = read_("checkpoint", 1 << 20);
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
    const auto bytes = tile(kEntryLevel, n, size);
    if (!bytes.has_value()) return std::unexpected(bytes.error());
    std::vector<std::string> all;
    if (!split_entries(*bytes, all) || all.size() != tile_width(kEntryLevel, n, size)) {
      return fail(LogError::Code::Corrupt, tile_path(kEntryLevel, n, kTileWidth) + ": lengths and bytes disagree");
    }
    const std::uint64_t skip = first % kTileWidth;
    const std::uint64_t take = std::min(count, all.size() > skip ? all.size() - skip : 0);
    if (take == 0) return fail(LogError::Code::Corrupt, tile_path(kEntryLevel, n, kTileWidth) + ": too few entries");
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

}  // namespace sluice
