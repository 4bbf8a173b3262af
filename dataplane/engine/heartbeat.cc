#include "dataplane/engine/heartbeat.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "bpf/abi.h"

namespace sluice {

Result<std::unique_ptr<Heartbeat>, std::string> Heartbeat::open(const std::filesystem::path& pin) {
  const int fd = bpf_obj_get(pin.c_str());
  if (fd < 0)
    return std::unexpected("no steer program: " + pin.string() + ": " + std::strerror(errno) +
                           " (run sluice-wire attach first)");
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  const bool fits = bpf_obj_get_info_by_fd(fd, &info, &length) == 0 && info.type == BPF_MAP_TYPE_ARRAY &&
                    info.value_size == 8 && info.max_entries >= SLUICE_MAX_QUEUES &&
                    (info.map_flags & BPF_F_MMAPABLE) != 0;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t bytes = (std::size_t{info.max_entries} * 8 + page - 1) / page * page;
  void* const memory = fits ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  close(fd);
  if (memory == MAP_FAILED)
    return std::unexpected(pin.string() + ": not a heartbeat map of this version of sluice-wire");
  return std::unique_ptr<Heartbeat>(new Heartbeat(static_cast<std::atomic<std::uint64_t>*>(memory), bytes));
}

Heartbeat::~Heartbeat() {
  munmap(slots_, bytes_);
}

}  // namespace sluice
