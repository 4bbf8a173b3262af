// Stands before the C library's own functions: the dynamic linker takes those of the program first.
#include "tests/unit/crash/faults.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace sluice::test {
namespace {

std::string watched;  // NOLINT(cert-err58-cpp)
Fault planned = Fault::Kill;
int planned_at = 0;
std::atomic<bool> armed = false;
std::atomic<int> calls = 0;

bool is_watched(int folder, std::string_view path) {
  if (path.starts_with('/')) return path.starts_with(watched);
  std::array<char, 4096> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(folder);
  const ssize_t n = ::readlink(link.c_str(), target.data(), target.size());
  return n > 0 && std::string_view(target.data(), static_cast<std::size_t>(n)).starts_with(watched);
}

/// What the call meets, if anything.
bool meets(bool concerns, Fault& fault) {
  if (!armed || !concerns) return false;
  const int number = calls++;
  fault = planned;
  return planned == Fault::Full ? number >= planned_at : number == planned_at;
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

/// A call that is no write: fails, or takes place.
template <class Call>
auto other(bool concerns, Call&& call) -> decltype(call()) {
  Fault fault{};
  if (!meets(concerns, fault)) return call();
  switch (fault) {
    case Fault::Kill: die();
    case Fault::TornKill: (void)call(); die();
    case Fault::Io: errno = EIO; return -1;
    case Fault::Full: errno = ENOSPC; return -1;
    case Fault::Short: return call();
  }
  return call();
}

}  // namespace

void arm(const std::string& folder, Fault fault, int at) {
  watched = folder;
  planned = fault;
  planned_at = at;
  calls = 0;
  armed = true;
}

int disarm() {
  armed = false;
  return calls;
}

}  // namespace sluice::test

using namespace sluice::test;

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
  const auto real = [&](size_t n) { return static_cast<ssize_t>(::syscall(SYS_write, fd, data, n)); };
  Fault fault{};
  if (!armed || !meets(is_watched(fd, ""), fault)) return real(size);
  switch (fault) {
    case Fault::Kill: die();
    case Fault::TornKill: (void)real(size / 2); die();
    case Fault::Io: errno = EIO; return -1;
    case Fault::Full: errno = ENOSPC; return -1;
    case Fault::Short: return real(size > 1 ? size / 2 : size);
  }
  return real(size);
}

/// Never carried out: a process that is killed loses nothing that it wrote, and hundreds of rounds need not wait.
int fsync(int fd) {
  return other(armed && is_watched(fd, ""), [] { return 0; });
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return other(armed && is_watched(to_folder, to),
               [&] { return static_cast<int>(::syscall(SYS_renameat, from_folder, from, to_folder, to)); });
}
int rename(const char* from, const char* to) noexcept {
  return ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}
int link(const char* from, const char* to) noexcept {
  return other(armed && is_watched(AT_FDCWD, to), [&] { return static_cast<int>(::syscall(SYS_link, from, to)); });
}
int symlink(const char* target, const char* path) noexcept {
  return other(armed && is_watched(AT_FDCWD, path),
               [&] { return static_cast<int>(::syscall(SYS_symlink, target, path)); });
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return other(armed && is_watched(folder, path),
               [&] { return static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags)); });
}
int unlink(const char* path) noexcept {
  return ::unlinkat(AT_FDCWD, path, 0);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return other(armed && is_watched(AT_FDCWD, path), [&] { return static_cast<int>(::syscall(SYS_mkdir, path, mode)); });
}

}  // extern "C"
