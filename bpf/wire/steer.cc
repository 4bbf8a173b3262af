#include "bpf/wire/steer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <steer.skel.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <span>

#include "bpf/abi.h"

namespace sluice {
namespace {

// libbpf says why a program was refused only through a callback.
std::string& libbpf_warnings() {
  static std::string text;
  return text;
}

int keep_warnings(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 1024> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  libbpf_warnings().append(line.data());
  return length;
}

std::span<bpf_map_skeleton> maps_of(::steer* skeleton) {
  return {skeleton->skeleton->maps, static_cast<std::size_t>(skeleton->skeleton->map_cnt)};
}

bool same_layout(const bpf_map* map, const bpf_map_info& pinned) {
  return bpf_map__type(map) == pinned.type && bpf_map__key_size(map) == pinned.key_size &&
         bpf_map__value_size(map) == pinned.value_size && bpf_map__max_entries(map) == pinned.max_entries;
}

Result<void, WireError> reuse_map(bpf_map* map, const Pins& pins, const std::string& interface) {
  const std::string at = pins.path(interface, bpf_map__name(map));
  const Fd pinned = pins.open(interface, bpf_map__name(map));
  if (!pinned) return std::unexpected(wire_error("open " + at, errno));
  bpf_map_info info{};
  __u32 size = sizeof info;
  if (::bpf_obj_get_info_by_fd(pinned.get(), &info, &size) != 0) {
    return std::unexpected(wire_error("ask about " + at, errno));
  }
  if (!same_layout(map, info)) {
    return std::unexpected(WireError{at + ": made by another version with another layout; detach first"});
  }
  if (const int error = bpf_map__reuse_fd(map, pinned.get()); error != 0) {
    return std::unexpected(wire_error("take over " + at, -error));
  }
  return {};
}

}  // namespace

void Steer::Destroy::operator()(::steer* skeleton) const noexcept {
  steer__destroy(skeleton);
}

Result<Steer, WireError> Steer::load(const Pins& pins, const std::string& interface, bool reuse) {
  libbpf_set_print(keep_warnings);
  libbpf_warnings().clear();
  Steer loaded(steer__open());
  if (!loaded.skeleton_) return std::unexpected(wire_error("open the steer program", errno));
  if (reuse) {
    for (const bpf_map_skeleton& map : maps_of(loaded.skeleton_.get())) {
      if (auto done = reuse_map(*map.map, pins, interface); !done) return std::unexpected(done.error());
    }
  }
  if (const int error = steer__load(loaded.skeleton_.get()); error != 0) {
    auto failed = wire_error(fmt::format("{}: load the steer program", interface), -error);
    if (!libbpf_warnings().empty()) failed.text += "\n" + libbpf_warnings();
    return std::unexpected(failed);
  }
  return loaded;
}

int Steer::program_fd() const {
  return bpf_program__fd(skeleton_->progs.xsk_def_prog);
}
int Steer::config_fd() const {
  return bpf_map__fd(skeleton_->maps.config);
}
int Steer::peer_fd() const {
  return bpf_map__fd(skeleton_->maps.peer);
}

Result<void, WireError> Steer::pin(const Pins& pins, const std::string& interface) const {
  for (const bpf_map_skeleton& map : maps_of(skeleton_.get())) {
    if (auto done = pins.pin(bpf_map__fd(*map.map), interface, bpf_map__name(*map.map)); !done) return done;
  }
  return pins.pin(program_fd(), interface, SLUICE_PIN_PROG);
}

}  // namespace sluice
