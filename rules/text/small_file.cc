#include "rules/text/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sluice {
namespace {

struct Fd {
  int fd;
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
};

std::unexpected<std::string> system_says() {
  return std::unexpected(std::string(std::strerror(errno)));
}

}  // namespace

Result<std::string, std::string> read_regular_file(const std::string& path, std::size_t max_bytes) {
  const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return system_says();
  struct stat about{};
  if (::fstat(file.fd, &about) != 0) return system_says();
  if (!S_ISREG(about.st_mode)) return std::unexpected("not a regular file");
  std::string out;
  std::array<char, 64 * 1024> chunk;
  while (true) {
    const ssize_t n = ::read(file.fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_says();
    if (n == 0) return out;
    out.append(chunk.data(), static_cast<std::size_t>(n));
    if (out.size() > max_bytes) return std::unexpected("over " + std::to_string(max_bytes) + " bytes");
  }
}

}  // namespace sluice
