#include "control/daemon/worker.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "control/journal/journal.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

std::int64_t now_ns(clockid_t clock = CLOCK_REALTIME) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

Signal::Signal() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}
Signal::~Signal() {
  ::close(fd_);
}
void Signal::set() const noexcept {
  (void)::eventfd_write(fd_, 1);
}
void Signal::clear() const noexcept {
  eventfd_t count = 0;
  (void)::eventfd_read(fd_, &count);
}

std::string apply_json(const ApplyResult& result) {
  bool ok = result.hand_over.ok;
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("bundles").begin_array();
  for (const Outcome& b : result.bundles) {
    ok = ok && b.good();
    json.begin_object().member("bundle", b.bundle).member("outcome", b.outcome).member("feed", b.feed);
    json.member("epoch", b.epoch).member("seq", b.seq).member("detail", b.detail).end_object();
  }
  json.end_array().key("image").begin_object().member("sha256", result.image_sha256);
  json.member("outcome", result.hand_over.outcome).end_object().member("ok", ok).end_object();
  return out + "\n";
}

IntakeWorker::IntakeWorker(Intake& intake, Inbox& inbox, DataplaneWatch& watch, const Signal& ending, Done done)
    : intake_(intake), inbox_(inbox), watch_(watch), ending_(ending), done_(std::move(done)) {
  thread_ = std::thread([this] { loop(); });
}

IntakeWorker::~IntakeWorker() {
  ask([this] { stop_ = true; });
  thread_.join();
}

void IntakeWorker::apply(ApiServer::Ticket ticket) {
  ask([&] { asked_.applies.push_back(ticket); });
}

void IntakeWorker::export_zone(ApiServer::Ticket ticket, Name zone) {
  ask([&] { asked_.exports.push_back({ticket, std::move(zone)}); });
}

void IntakeWorker::run(ApiServer::Ticket ticket, IntakeTask task) {
  ask([&] { asked_.tasks.emplace_back(ticket, std::move(task)); });
}

void IntakeWorker::ask(const std::function<void()>& add) {
  {
    const std::lock_guard lock(mutex_);
    add();
  }
  asked_signal_.set();
}

void IntakeWorker::wait(int timeout_ms) const {
  std::array<pollfd, 3> fds{{{inbox_.fd(), POLLIN, 0}, {asked_signal_.fd(), POLLIN, 0}, {ending_.fd(), POLLIN, 0}}};
  (void)::poll(fds.data(), fds.size(), timeout_ms);
}

void IntakeWorker::answer_exports(const std::deque<Export>& exports) {
  for (const Export& e : exports) {
    auto zone = intake_.export_rpz(e.zone, now_ns() / 1'000'000'000);
    done_(e.ticket, zone ? ApiReply{200, *std::move(zone), "text/plain"} : api_error(500, zone.error()));
  }
}

void IntakeWorker::answer_applies(const std::deque<ApiServer::Ticket>& tickets) {
  const ApplyResult result{intake_.take_up(now_ns(), false), intake_.view().image_sha256, watch_.hand_over()};
  for (const ApiServer::Ticket ticket : tickets) done_(ticket, {200, apply_json(result)});
}

/// One round; false when the program ends.
bool IntakeWorker::round(bool scan) {
  asked_signal_.clear();
  Asked asked;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return false;
    asked = std::exchange(asked_, {});
  }
  scan = inbox_.drain() || scan || intake_.settling() || intake_.waiting();
  if (!asked.applies.empty()) {
    answer_applies(asked.applies);
  } else if (scan) {
    (void)intake_.take_up(now_ns(), true);
  }
  for (const auto& [ticket, task] : asked.tasks) done_(ticket, task(intake_, watch_, now_ns()));
  answer_exports(asked.exports);
  intake_.look_at_clock(now_ns(), now_ns(CLOCK_BOOTTIME));
  intake_.tick(now_ns() / 1'000'000'000);
  return true;
}

void IntakeWorker::loop() {
  // What is thrown here is trouble of this machine, out of memory say: the next round is another attempt.
  const auto guarded = [](auto&& act) {
    try {
      return act();
    } catch (const std::exception& e) {
      log(LogLevel::Error, "the intake failed", {{"detail", e.what()}});
      return true;
    }
  };
  guarded([&] { return intake_.recover(now_ns() / 1'000'000'000), true; });
  for (bool first = true; guarded([&] { return round(first); }); first = false) wait(intake_.settling() ? 200 : 1000);
}

}  // namespace sluice
