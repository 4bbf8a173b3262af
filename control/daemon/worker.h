#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "control/daemon/intake.h"
#include "control/daemon/watch.h"

namespace sluice {

/// An eventfd: set() from any thread makes it readable until clear().
class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  void set() const noexcept;
  void clear() const noexcept;

 private:
  int fd_;
};

/// What POST /v1/apply answers with.
struct ApplyResult {
  std::uint64_t ticket = 0;
  std::vector<Outcome> bundles;
  std::string image_sha256;
  HandOver hand_over;
};
[[nodiscard]] std::string apply_json(const ApplyResult& result);

/// The intake's thread: it alone touches inbox, store and compiler. Wakes for files, for apply(), and every second.
class IntakeWorker {
 public:
  /// `done` is called in this thread with each result. `ending` becomes readable when the program ends.
  IntakeWorker(Intake& intake, Inbox& inbox, DataplaneWatch& watch, const Signal& ending,
               std::function<void(ApplyResult)> done);
  ~IntakeWorker();
  IntakeWorker(const IntakeWorker&) = delete;
  IntakeWorker& operator=(const IntakeWorker&) = delete;

  /// Any thread.
  void apply(std::uint64_t ticket);

 private:
  void run();
  void wait(int timeout_ms) const;
  std::deque<std::uint64_t> take_asked();

  Intake& intake_;
  Inbox& inbox_;
  DataplaneWatch& watch_;
  const Signal& ending_;
  std::function<void(ApplyResult)> done_;
  Signal asked_signal_;
  std::mutex mutex_;
  std::deque<std::uint64_t> asked_;  // with mutex_
  bool stop_ = false;                // with mutex_
  std::thread thread_;
};

}  // namespace sluice
