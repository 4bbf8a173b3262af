#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "control/daemon/view.h"
#include "control/publish/dataplane.h"
#include "control/store/alarms.h"
#include "rules/text/config.h"

namespace sluice {

/// The image that the data plane should run.
struct WantedImage {
  std::filesystem::path path;
  std::string sha256;  ///< empty: none yet
};

/// What became of a hand-over.
struct HandOver {
  bool ok = false;
  std::string outcome;  ///< "running", "refused: bad-signature", "unreachable" …
};

/// Looks after the data plane in a thread of its own, which alone talks to its telemetry socket: asks for its health
/// every second, and hands the wanted image over whenever it runs another one, as after a restart of either side.
class DataplaneWatch {
 public:
  /// `cancel_fd` becomes readable when the program ends.
  DataplaneWatch(const Config& config, Alarms& alarms, int cancel_fd);
  ~DataplaneWatch();
  DataplaneWatch(const DataplaneWatch&) = delete;
  DataplaneWatch& operator=(const DataplaneWatch&) = delete;

  /// Any thread: what should run from now on. Returns at once.
  void want(WantedImage image);
  /// Any thread: hands over now, even what runs already, and waits for the answer.
  HandOver hand_over();
  [[nodiscard]] const Latest<DataplaneView>& view() const noexcept { return view_; }

 private:
  void run();
  void look();
  HandOver load(const WantedImage& image);
  void accepted();
  void report(bool reachable, const Health& health, const std::string& why);

  static constexpr std::chrono::milliseconds kHealthTimeout{1000};
  static constexpr std::chrono::milliseconds kLoadTimeout{60'000};
  static constexpr std::chrono::seconds kRetry{10};  ///< between hand-overs of one image that was refused
  static constexpr int kMissesToAlarm = 3;

  const Config& config_;
  Alarms& alarms_;
  Dataplane dataplane_;
  Latest<DataplaneView> view_;

  std::mutex mutex_;
  std::condition_variable changed_;
  WantedImage wanted_;          // with mutex_
  bool ending_ = false;         // with mutex_
  bool kicked_ = false;         // with mutex_: look now
  std::uint64_t asked_ = 0;     // with mutex_: hand_over() calls so far
  std::uint64_t answered_ = 0;  // with mutex_
  HandOver last_;               // with mutex_

  int misses_ = 0;                                    // watcher's thread
  std::string refused_sha256_;                        // watcher's thread
  std::chrono::steady_clock::time_point refused_at_;  // watcher's thread
  std::thread thread_;
};

}  // namespace sluice
