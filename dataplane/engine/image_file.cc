#include "dataplane/engine/image_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>

namespace sluice {
namespace {

/// Reads until the buffer is full; false at an early end or an error.
bool read_fully(int fd, std::vector<std::uint8_t>& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t got = read(fd, bytes.data() + at, bytes.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += static_cast<std::size_t>(got);
  }
  return true;
}

int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<std::vector<std::uint8_t>, std::string> read_image_file(const std::filesystem::path& path,
                                                               std::uint64_t most_bytes) {
  // Not blocking: a FIFO put in the image's place must not hold the telemetry thread.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::unexpected("unreadable");
  struct stat status{};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    return std::unexpected("unreadable");
  }
  if (static_cast<std::uint64_t>(status.st_size) > most_bytes) {
    close(fd);
    return std::unexpected("too-large");
  }
  std::vector<std::uint8_t> bytes;
  try {
    bytes.resize(static_cast<std::size_t>(status.st_size));
  } catch (const std::bad_alloc&) {
    close(fd);
    return std::unexpected("too-large");
  }
  const bool whole = read_fully(fd, bytes);
  close(fd);
  if (!whole) return std::unexpected("truncated");
  return bytes;
}

Result<Ed25519PublicKey, std::string> read_image_key(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) return std::unexpected(path.string() + ": " + std::strerror(errno));
  std::string text, more;
  Ed25519PublicKey key{};
  const bool one_word = (in >> text) && !(in >> more);
  if (!one_word || text.size() != 2 * key.size())
    return std::unexpected(path.string() + ": not a key of 64 hex digits");
  for (std::size_t i = 0; i < key.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::unexpected(path.string() + ": not a key of 64 hex digits");
    key[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return key;
}

std::string hex(const Sha256& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace sluice
