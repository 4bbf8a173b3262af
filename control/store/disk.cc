#include "control/store/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace sluice {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(int error, const char* doing, const fs::path& path) {
  throw std::system_error(error, std::generic_category(), std::string(doing) + " " + path.string());
}

class Fd {
 public:
  Fd(const fs::path& path, int flags, mode_t mode = 0) : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (fd_ < 0) fail(errno, "open", path);
  }
  ~Fd() { ::close(fd_); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void sync(int fd, const fs::path& path) {
  if (::fsync(fd) != 0) fail(errno, "fsync", path);
}

void sync_folder(const fs::path& folder) {
  const Fd fd(folder, O_RDONLY | O_DIRECTORY);
  sync(fd.get(), folder);
}

void rename_now(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail(errno, "rename", to);
}

}  // namespace

void Disk::make_folder(const fs::path& folder) {
  if (fs::is_directory(folder)) return;
  fs::create_directories(folder);
  sync_folder(folder.parent_path());
}

void Disk::replace_file(const fs::path& file, std::string_view bytes) {
  const fs::path temporary = file.parent_path() / ("." + file.filename().string() + ".new");
  {
    const Fd fd(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0640);
    write_all(fd.get(), bytes, temporary);
    sync(fd.get(), temporary);
  }
  rename_now(temporary, file);
  sync_folder(file.parent_path());
}

void Disk::move_folder(const fs::path& from, const fs::path& to) {
  sync_folder(from);
  rename_now(from, to);
  sync_folder(to.parent_path());
  sync_folder(from.parent_path());
}

void Disk::replace_link(const fs::path& link, const std::string& target) {
  const fs::path temporary = link.parent_path() / ("." + link.filename().string() + ".new");
  (void)::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0) fail(errno, "symlink", temporary);
  rename_now(temporary, link);
  sync_folder(link.parent_path());
}

void Disk::remove(const fs::path& path) {
  fs::remove_all(path);
}

std::string read_whole(const fs::path& file, std::uint64_t cap) {
  const Fd fd(file, O_RDONLY);
  std::string bytes;
  std::array<char, 4096> chunk;
  for (;;) {
    const ssize_t n = ::read(fd.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno, "read", file);
    if (n == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(n) > cap) fail(EFBIG, "read", file);
    bytes.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

std::uint64_t copy_in(const fs::path& from, const fs::path& to, std::uint64_t cap) {
  const Fd in(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat st{};
  if (::fstat(in.get(), &st) != 0) fail(errno, "stat", from);
  if (!S_ISREG(st.st_mode)) fail(EINVAL, "not a regular file:", from);
  if (std::cmp_greater(st.st_size, cap)) fail(EFBIG, "copy", from);
  const Fd out(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0640);
  constexpr std::size_t kChunk = 256 << 10;
  const auto chunk = std::make_unique<char[]>(kChunk);
  std::uint64_t copied = 0;
  for (;;) {
    const ssize_t n = ::read(in.get(), chunk.get(), kChunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno, "read", from);
    if (n == 0) break;
    copied += static_cast<std::uint64_t>(n);
    if (copied > cap) fail(EFBIG, "copy", from);
    write_all(out.get(), {chunk.get(), static_cast<std::size_t>(n)}, to);
  }
  sync(out.get(), to);
  return copied;
}

}  // namespace sluice
