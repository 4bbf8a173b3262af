#include "rules/compile/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace sluice {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<std::string> create(const std::string& path, Bytes bytes, mode_t mode, std::optional<gid_t> group) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return failure(path);
  if (group && ::fchown(file.get(), static_cast<uid_t>(-1), *group) != 0) return failure(path);
  if (::fchmod(file.get(), mode) != 0 || !write_all(file.get(), bytes) || ::fsync(file.get()) != 0) {
    return failure(path);
  }
  return std::nullopt;
}

std::optional<std::string> sync_folder_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return failure(folder);
  return std::nullopt;
}

}  // namespace

std::string failure(const std::string& path) {
  return path + ": " + std::strerror(errno);
}

Result<DurableFile, std::string> DurableFile::write(const std::string& path, Bytes bytes, mode_t mode,
                                                    std::optional<gid_t> group) {
  DurableFile file(path, path + ".new." + std::to_string(::getpid()));
  ::unlink(file.temporary_.c_str());  // of a process of this number that was killed
  if (auto error = create(file.temporary_, bytes, mode, group)) return std::unexpected(std::move(*error));
  return file;
}

std::optional<std::string> DurableFile::publish() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failure(path_);
  temporary_.clear();
  return sync_folder_of(path_);
}

DurableFile::~DurableFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})) {}

std::optional<std::string> write_new_file(const std::string& path, Bytes bytes, mode_t mode) {
  if (auto error = create(path, bytes, mode, std::nullopt)) return error;
  return sync_folder_of(path);
}

}  // namespace sluice
