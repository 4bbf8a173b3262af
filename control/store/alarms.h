#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "control/store/disk.h"
#include "rules/model/order.h"

namespace sluice {

struct Alarm {
  std::string code;    ///< as listed in docs/interfaces.md
  std::string feed;    ///< empty: of no feed, or of one that could not be told
  std::string detail;  ///< of the latest time
  UnixSeconds since = 0;
  std::uint64_t count = 1;
  friend bool operator==(const Alarm&, const Alarm&) = default;
};

/// True for alarms that may mean an attack: they stay until somebody acknowledges them, whatever comes after.
[[nodiscard]] bool stays(std::string_view code) noexcept;

/// What an operator should know and has not been superseded yet; one entry a (code, feed). Survives restarts. Any
/// thread may call. What the disk refuses is kept in memory all the same: an alarm never fails its caller.
class Alarms {
 public:
  Alarms(std::filesystem::path file, Disk& disk);

  /// Logs and keeps it; where (code, feed) stands already, its count grows and its detail is replaced.
  void raise(const std::string& code, const std::string& feed, const std::string& detail, UnixSeconds now);
  void clear(const std::string& code, const std::string& feed);
  /// A good bundle of this feed supersedes whatever its bundles raised, and what no feed could be told for.
  void superseded(const std::string& feed);
  /// Takes an alarm that stays away, for good or until it happens again; false where there is none.
  bool acknowledge(const std::string& code, const std::string& feed);
  [[nodiscard]] std::vector<Alarm> list() const;

 private:
  void save() noexcept;  // with mutex_ held

  std::filesystem::path file_;
  Disk* disk_;
  mutable std::mutex mutex_;
  std::vector<Alarm> alarms_;
};

}  // namespace sluice
