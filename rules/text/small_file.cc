#include "rules/text/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace sluice {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;

struct Fd {
  int fd;
  explicit Fd(int opened) : fd(opened) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
};

std::unexpected<std::string> system_says() {
  return std::unexpected(std::string(std::strerror(errno)));
}

}  // namespace

Result<void, std::string> stream_regular_file(const std::string& path, const std::function<bool(Bytes)>& take) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) return system_says();
  struct stat about{};
  if (::fstat(file.fd, &about) != 0) return system_says();
  if (!S_ISREG(about.st_mode)) return std::unexpected("not a regular file");
  std::vector<std::uint8_t> chunk(kChunkBytes);
  while (true) {
    const ssize_t n = ::read(file.fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_says();
    if (n == 0 || !take(Bytes{chunk.data(), static_cast<std::size_t>(n)})) return {};
  }
}

Result<std::string, std::string> read_regular_file(const std::string& path, std::size_t max_bytes) {
  std::string out;
  const auto streamed = stream_regular_file(path, [&](Bytes bytes) {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return out.size() <= max_bytes;
  });
  if (!streamed.has_value()) return std::unexpected(streamed.error());
  if (out.size() > max_bytes) return std::unexpected("over " + std::to_string(max_bytes) + " bytes");
  return out;
}

}  // namespace sluice
