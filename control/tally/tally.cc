#include "control/tally/tally.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {
namespace {

constexpr std::uint32_t kMaxWorkers = 256;

bool read_at(int fd, void* to, std::size_t size, std::size_t at) noexcept {
  auto* bytes = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t n = ::pread(fd, bytes, size, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    at += static_cast<std::size_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

std::uint64_t value(const Counter& counter) noexcept {
  return counter.load(std::memory_order_relaxed);
}

template <std::size_t N, std::size_t M>
void sum(std::array<std::uint64_t, N>& totals, const std::array<Counter, M>& counters) noexcept {
  static_assert(N <= M);
  for (std::size_t i = 0; i < N; ++i) totals[i] += value(counters[i]);
}

void sum_worker(Tally& tally, const WorkerCounters& worker, std::span<OrderTally> orders) noexcept {
  sum(tally.rx_pkts, worker.rx_pkts);
  sum(tally.rx_bytes, worker.rx_bytes);
  sum(tally.tx_pkts, worker.tx_pkts);
  sum(tally.tx_bytes, worker.tx_bytes);
  sum(tally.reply_pkts, worker.reply_pkts);
  sum(tally.reply_bytes, worker.reply_bytes);
  tally.dropped_pkts += value(worker.dropped_pkts);
  sum(tally.names, worker.names);
  sum(tally.blocked, worker.blocked);
  sum(tally.observed, worker.observed);
  sum(tally.causes, worker.causes);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i].blocked += value(worker.orders[i].blocked);
    orders[i].observed += value(worker.orders[i].observed);
  }
}

template <std::size_t N>
std::string text(const std::array<char, N>& field) {
  return {field.data(), ::strnlen(field.data(), N)};
}

struct CloseFd {
  int fd;
  ~CloseFd() { ::close(fd); }
};

}  // namespace

std::string_view to_string(TallyError error) noexcept {
  return error == TallyError::Unreadable ? "the counter file cannot be read" : "not a counter file of this version";
}

Result<Tally, TallyError> read_tally(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(TallyError::Unreadable);
  const CloseFd close{fd};

  CounterFileHeader header{};
  if (!read_at(fd, &header, sizeof header, 0) || header.magic != kCounterMagic || header.workers == 0 ||
      header.workers > kMaxWorkers || header.order_slots != kOrderSlots || header.causes != kCauseCount ||
      header.header_bytes != sizeof header) {
    return std::unexpected(TallyError::Malformed);
  }
  const std::uint32_t used = std::min(header.slots_used.load(std::memory_order_relaxed), kOrderSlots);
  std::vector<OrderSlot> slots(used);
  if (!read_at(fd, slots.data(), slots.size() * sizeof(OrderSlot), sizeof header)) {
    return std::unexpected(TallyError::Malformed);
  }

  Tally tally;
  tally.pid = header.pid;
  tally.started_unix_ns = header.started_unix_ns;
  tally.workers = header.workers;
  std::copy_n(header.rows.begin(), tally.rows.size(), tally.rows.begin());
  std::vector<OrderTally> orders(used);
  const auto worker = std::make_unique<WorkerCounters>();
  const std::size_t first_worker = sizeof header + kOrderSlots * sizeof(OrderSlot);
  for (std::uint32_t i = 0; i < header.workers; ++i) {
    if (!read_at(fd, worker.get(), sizeof *worker, first_worker + i * sizeof *worker)) {
      return std::unexpected(TallyError::Malformed);
    }
    sum_worker(tally, *worker, orders);
  }
  for (std::uint32_t i = 0; i < used; ++i) tally.orders[{text(slots[i].feed), text(slots[i].order)}] = orders[i];
  return tally;
}

}  // namespace sluice
