#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "dataplane/base/result.h"
#include "dataplane/filter/counters.h"

namespace sluice {

/// The counter file of this run (layout: dataplane/filter/counters.h), mapped for writing. It stays when the run ends,
/// so that the last totals can be read; the next run takes it away.
class CounterFile {
 public:
  /// Makes `dir`/counters.PID (0640, group `group`), points the symlink `dir`/counters at it by rename, and removes the
  /// files of processes that are gone. `rows`: the policy table of this run. Error: what the system said.
  static Result<std::unique_ptr<CounterFile>, std::string> create(const std::filesystem::path& dir, unsigned workers,
                                                                  std::optional<gid_t> group,
                                                                  const std::array<Row, kCauseCount>& rows,
                                                                  std::uint64_t started_unix_ns);
  ~CounterFile();
  CounterFile(const CounterFile&) = delete;
  CounterFile& operator=(const CounterFile&) = delete;

  [[nodiscard]] CounterFileHeader& header() noexcept { return *reinterpret_cast<CounterFileHeader*>(memory_); }
  [[nodiscard]] std::span<OrderSlot> slots() noexcept;
  [[nodiscard]] WorkerCounters& worker(unsigned index) noexcept;

 private:
  CounterFile(std::uint8_t* memory, std::size_t bytes) noexcept : memory_(memory), bytes_(bytes) {}
  std::uint8_t* memory_;
  std::size_t bytes_;
};

}  // namespace sluice
