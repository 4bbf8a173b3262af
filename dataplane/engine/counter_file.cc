#include "dataplane/engine/counter_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <new>

namespace sluice {
namespace {

constexpr std::string_view kPrefix = "counters.";
constexpr std::size_t kSlotsAt = sizeof(CounterFileHeader);
constexpr std::size_t kWorkersAt = kSlotsAt + kOrderSlots * sizeof(OrderSlot);
static_assert(kWorkersAt % alignof(WorkerCounters) == 0);

std::string failed(const std::filesystem::path& path) {
  return path.string() + ": " + std::strerror(errno);
}

void remove_stale(const std::filesystem::path& dir) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    pid_t pid = 0;
    const auto [end, bad] = std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), pid);
    if (bad != std::errc{} || end != name.data() + name.size() || pid <= 0) continue;
    if (pid == getpid() || (kill(pid, 0) != 0 && errno == ESRCH)) unlink(entry.path().c_str());
  }
}

bool point_link(const std::filesystem::path& dir, const std::string& target) {
  const auto fresh = dir / (target + ".link");
  unlink(fresh.c_str());
  return symlink(target.c_str(), fresh.c_str()) == 0 && rename(fresh.c_str(), (dir / "counters").c_str()) == 0;
}

}  // namespace

Result<std::unique_ptr<CounterFile>, std::string> CounterFile::create(const std::filesystem::path& dir,
                                                                      unsigned workers, std::optional<gid_t> group,
                                                                      const std::array<Row, kCauseCount>& rows,
                                                                      std::uint64_t started_unix_ns) {
  remove_stale(dir);
  const std::string name = std::string(kPrefix) + std::to_string(getpid());
  const auto path = dir / name;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0) return std::unexpected(failed(path));
  const std::size_t bytes = kWorkersAt + workers * sizeof(WorkerCounters);
  const bool ready = (!group || fchown(fd, static_cast<uid_t>(-1), *group) == 0) && fchmod(fd, 0640) == 0 &&
                     ftruncate(fd, static_cast<off_t>(bytes)) == 0;
  void* const memory =
      ready ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0) : MAP_FAILED;
  const std::string error = failed(path);
  close(fd);
  if (memory == MAP_FAILED) return std::unexpected(error);

  std::unique_ptr<CounterFile> file(new CounterFile(static_cast<std::uint8_t*>(memory), bytes));
  auto* const header = new (file->memory_) CounterFileHeader{};
  header->workers = workers;
  header->order_slots = kOrderSlots;
  header->causes = kCauseCount;
  header->header_bytes = sizeof(CounterFileHeader);
  header->started_unix_ns = started_unix_ns;
  std::ranges::copy(rows, header->rows.begin());
  header->pid = static_cast<std::uint64_t>(getpid());
  for (std::uint32_t slot = 0; slot < kOrderSlots; ++slot)
    new (file->memory_ + kSlotsAt + slot * sizeof(OrderSlot)) OrderSlot{};
  for (unsigned worker = 0; worker < workers; ++worker)
    new (file->memory_ + kWorkersAt + worker * sizeof(WorkerCounters)) WorkerCounters{};
  header->magic = kCounterMagic;  // last: a reader that came too early sees no counter file
  if (!point_link(dir, name)) return std::unexpected(failed(dir / "counters"));
  return file;
}

CounterFile::~CounterFile() {
  munmap(memory_, bytes_);
}

std::span<OrderSlot> CounterFile::slots() noexcept {
  return {reinterpret_cast<OrderSlot*>(memory_ + kSlotsAt), kOrderSlots};
}

WorkerCounters& CounterFile::worker(unsigned index) noexcept {
  return *reinterpret_cast<WorkerCounters*>(memory_ + kWorkersAt + index * sizeof(WorkerCounters));
}

}  // namespace sluice
