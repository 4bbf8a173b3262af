#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "control/api/server.h"
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
  std::vector<Outcome> bundles;
  std::string image_sha256;
  HandOver hand_over;
};
[[nodiscard]] std::string apply_json(const ApplyResult& result);

/// What an operator asks of the intake: runs in its thread, gives the answer.
using IntakeTask = std::function<ApiReply(Intake&, DataplaneWatch&, std::int64_t now_ns)>;

/// The intake's thread: it alone touches inbox, store and compiler. Wakes for files, for apply(), and every second.
class IntakeWorker {
 public:
  using Done = std::function<void(ApiServer::Ticket, ApiReply)>;
  /// `done` is called in the worker's thread with each answer. `ending` becomes readable when the program ends.
  IntakeWorker(Intake& intake, Inbox& inbox, DataplaneWatch& watch, const Signal& ending, Done done);
  ~IntakeWorker();
  IntakeWorker(const IntakeWorker&) = delete;
  IntakeWorker& operator=(const IntakeWorker&) = delete;

  /// Any thread; answered by `done`.
  void apply(ApiServer::Ticket ticket);
  void export_zone(ApiServer::Ticket ticket, Name zone);
  void run(ApiServer::Ticket ticket, IntakeTask task);

 private:
  struct Export {
    ApiServer::Ticket ticket;
    Name zone;
  };
  struct Asked {
    std::deque<ApiServer::Ticket> applies;
    std::deque<Export> exports;
    std::deque<std::pair<ApiServer::Ticket, IntakeTask>> tasks;
  };
  void loop();
  bool round(bool scan);
  void wait(int timeout_ms) const;
  void answer_applies(const std::deque<ApiServer::Ticket>& tickets);
  void answer_exports(const std::deque<Export>& exports);
  void ask(const std::function<void()>& add);

  Intake& intake_;
  Inbox& inbox_;
  DataplaneWatch& watch_;
  const Signal& ending_;
  Done done_;
  Signal asked_signal_;
  std::mutex mutex_;
  Asked asked_;        // with mutex_
  bool stop_ = false;  // with mutex_
  std::thread thread_;
};

}  // namespace sluice
