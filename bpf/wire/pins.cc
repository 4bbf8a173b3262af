#include "bpf/wire/pins.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "bpf/abi.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::array kPins{SLUICE_PIN_LINK,   SLUICE_PIN_PROG,      SLUICE_PIN_XSKS,    SLUICE_PIN_PEER,
                           SLUICE_PIN_CONFIG, SLUICE_PIN_HEARTBEAT, SLUICE_PIN_COUNTERS};

/// The group reads totals and flips the bypass switch; sockets, peer and program are root's.
mode_t mode_of(std::string_view pin) {
  if (pin == SLUICE_PIN_CONFIG) return 0660;
  return pin == SLUICE_PIN_LINK || pin == SLUICE_PIN_XSKS ? 0600 : 0640;
}

bool is_bpffs(const std::string& dir) {
  struct statfs about{};
  return ::statfs(dir.c_str(), &about) == 0 && about.f_type == BPF_FS_MAGIC;
}

bool is_mount_point(const std::string& dir) {
  struct stat here{};
  struct stat above{};
  return ::stat(dir.c_str(), &here) == 0 && ::stat((dir + "/..").c_str(), &above) == 0 && here.st_dev != above.st_dev;
}

}  // namespace

WireError wire_error(std::string_view what, int error) {
  return {fmt::format("{}: {}", what, std::strerror(error))};
}

Result<void, WireError> Pins::mount() const {
  std::error_code error;
  fs::create_directories(dir_, error);
  if (error) return std::unexpected(wire_error("make " + dir_, error.value()));
  if (is_bpffs(dir_)) return {};
  if (::mount("sluice-wire", dir_.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0750") != 0) {
    return std::unexpected(wire_error("mount a bpffs at " + dir_, errno));
  }
  return {};
}

Result<void, WireError> Pins::unmount() const {
  if (!is_bpffs(dir_) || !is_mount_point(dir_) || !interfaces().empty()) return {};
  if (::umount2(dir_.c_str(), MNT_DETACH) != 0) return std::unexpected(wire_error("unmount " + dir_, errno));
  return {};
}

std::vector<std::string> Pins::interfaces() const {
  std::vector<std::string> found;
  if (!is_bpffs(dir_)) return found;
  std::error_code error;
  for (fs::directory_iterator at(dir_, error), end; !error && at != end; at.increment(error)) {
    // The kernel puts files of its own (maps.debug, progs.debug) at the top.
    if (at->is_directory(error)) found.push_back(at->path().filename().string());
  }
  std::ranges::sort(found);
  return found;
}

std::string Pins::folder(std::string_view interface) const {
  return fmt::format("{}/{}", dir_, interface);
}

std::string Pins::path(std::string_view interface, std::string_view pin) const {
  return fmt::format("{}/{}/{}", dir_, interface, pin);
}

Fd Pins::open(std::string_view interface, std::string_view pin) const {
  return Fd(::bpf_obj_get(path(interface, pin).c_str()));
}

Fd Pins::open_to_read(std::string_view interface, std::string_view pin) const {
  LIBBPF_OPTS(bpf_obj_get_opts, options);
  options.file_flags = BPF_F_RDONLY;
  return Fd(::bpf_obj_get_opts(path(interface, pin).c_str(), &options));
}

Result<void, WireError> Pins::pin(int fd, std::string_view interface, std::string_view pin) const {
  const std::string in = folder(interface);
  const std::string at = path(interface, pin);
  if (::mkdir(in.c_str(), 0750) != 0 && errno != EEXIST) return std::unexpected(wire_error("make " + in, errno));
  if (::unlink(at.c_str()) != 0 && errno != ENOENT) return std::unexpected(wire_error("unpin " + at, errno));
  if (::bpf_obj_pin(fd, at.c_str()) != 0) return std::unexpected(wire_error("pin " + at, errno));
  return {};
}

Result<void, WireError> Pins::remove(std::string_view interface) const {
  for (const char* pin : kPins) {
    const std::string at = path(interface, pin);
    if (::unlink(at.c_str()) != 0 && errno != ENOENT) return std::unexpected(wire_error("unpin " + at, errno));
  }
  const std::string in = folder(interface);
  if (::rmdir(in.c_str()) != 0 && errno != ENOENT) return std::unexpected(wire_error("remove " + in, errno));
  return {};
}

Result<void, WireError> Pins::set_access(std::string_view interface, std::optional<gid_t> gid) const {
  const auto set = [gid](const std::string& path, mode_t mode) {
    if (gid && ::chown(path.c_str(), static_cast<uid_t>(-1), *gid) != 0) return false;
    return ::chmod(path.c_str(), mode) == 0;
  };
  const std::string in = folder(interface);
  if (!set(dir_, 0750)) return std::unexpected(wire_error("set the owner of " + dir_, errno));
  if (!set(in, 0750)) return std::unexpected(wire_error("set the owner of " + in, errno));
  for (const char* pin : kPins) {
    const std::string at = path(interface, pin);
    if (!set(at, mode_of(pin))) {
      return std::unexpected(wire_error("set the owner of " + at, errno));
    }
  }
  return {};
}

}  // namespace sluice
