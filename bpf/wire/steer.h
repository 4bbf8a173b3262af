#pragma once

#include <memory>
#include <string>

#include "bpf/wire/pins.h"

struct steer;  // the generated skeleton

namespace sluice {

enum class XdpMode : std::uint8_t { Native, Generic };

/// One loaded steer program with its maps.
class Steer {
 public:
  /// Loads it for `interface`. `reuse`: with the maps pinned there, so that sockets, switches and totals stay.
  [[nodiscard]] static Result<Steer, WireError> load(const Pins& pins, const std::string& interface, bool reuse);
  Steer(Steer&&) noexcept = default;
  Steer& operator=(Steer&&) noexcept = default;
  ~Steer() = default;

  [[nodiscard]] int program_fd() const;
  [[nodiscard]] int config_fd() const;
  [[nodiscard]] int peer_fd() const;
  /// Pins the program and its maps (not the link).
  [[nodiscard]] Result<void, WireError> pin(const Pins& pins, const std::string& interface) const;

 private:
  struct Destroy {
    void operator()(::steer* skeleton) const noexcept;
  };
  explicit Steer(::steer* skeleton) : skeleton_(skeleton) {}
  std::unique_ptr<::steer, Destroy> skeleton_;
};

}  // namespace sluice
