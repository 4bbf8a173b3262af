#pragma once

#include <cstdint>
#include <string>

#include "dataplane/base/result.h"
#include "dataplane/reply/paths.h"

namespace sluice {

/// A kernel network interface of this network namespace, asked by ioctl (no sysfs: it shows the namespace that mounted
/// it).
class Interface {
 public:
  /// Error: no such interface.
  static Result<Interface, std::string> find(const std::string& name);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] unsigned mtu() const noexcept { return mtu_; }
  /// Receive channels: the hardware queues that a steer program can be called on.
  [[nodiscard]] const MacAddress& mac() const noexcept { return mac_; }
  [[nodiscard]] unsigned channels() const noexcept { return channels_; }

  /// Takes what rewrites frames on their way in off: GRO and LRO join them, VLAN acceleration takes the tag out.
  /// False where the driver keeps one of them on.
  [[nodiscard]] bool keep_frames_as_they_come() const noexcept;
  /// Administratively up or down; needs CAP_NET_ADMIN.
  bool set_up(bool up) const noexcept;
  /// Carrier on an interface that is up.
  [[nodiscard]] bool has_link() const noexcept;

 private:
  explicit Interface(std::string name) : name_(std::move(name)) {}
  std::string name_;
  unsigned mtu_ = 0, channels_ = 1;
  MacAddress mac_{};
};

}  // namespace sluice
