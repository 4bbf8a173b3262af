#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/wire/fd.h"
#include "dataplane/base/result.h"

namespace sluice {

/// What went wrong, in words for the operator: what was tried, on what, and why it failed.
struct WireError {
  std::string text;
};

/// "WHAT: strerror(error)".
[[nodiscard]] WireError wire_error(std::string_view what, int error);

/// The bpffs at `dir` that holds `<dir>/<interface>/<pin>`. Pins outlive every process; the mount is what holds them.
class Pins {
 public:
  explicit Pins(std::string dir) : dir_(std::move(dir)) {}

  /// Makes the folder and mounts a bpffs there (0750) unless one is there.
  [[nodiscard]] Result<void, WireError> mount() const;
  /// Unmounts if `dir` is a mount point of its own and no interface is left in it.
  [[nodiscard]] Result<void, WireError> unmount() const;

  /// Interfaces with a folder, sorted. Empty where nothing is mounted.
  [[nodiscard]] std::vector<std::string> interfaces() const;
  [[nodiscard]] std::string folder(std::string_view interface) const;
  [[nodiscard]] std::string path(std::string_view interface, std::string_view pin) const;

  /// None where the pin is missing or may not be opened (errno says which).
  [[nodiscard]] Fd open(std::string_view interface, std::string_view pin) const;
  /// The same for reading only, as the group may: maps, not the link.
  [[nodiscard]] Fd open_to_read(std::string_view interface, std::string_view pin) const;
  /// Pins `fd`, in place of what may be there. Makes the interface's folder if needed.
  [[nodiscard]] Result<void, WireError> pin(int fd, std::string_view interface, std::string_view pin) const;
  /// Takes all pins of the interface and its folder away. Fine where there is none.
  [[nodiscard]] Result<void, WireError> remove(std::string_view interface) const;

  /// Folders 0750, the switch (config) 0660, what the group may only read 0640, link and sockets 0600; group `gid` if
  /// given.
  [[nodiscard]] Result<void, WireError> set_access(std::string_view interface, std::optional<gid_t> gid) const;

 private:
  std::string dir_;
};

}  // namespace sluice
