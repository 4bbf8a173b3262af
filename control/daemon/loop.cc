#include "control/daemon/loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "control/api/file_server.h"
#include "control/api/server.h"
#include "control/daemon/confine.h"
#include "control/daemon/ledger.h"
#include "control/daemon/routes.h"
#include "control/daemon/wall_clock.h"
#include "control/daemon/worker.h"
#include "control/journal/journal.h"
#include "control/store/disk.h"
#include "control/tally/tally.h"
#include "rules/guard/load.h"
#include "rules/sign/digest.h"

namespace sluice {
namespace {

[[noreturn]] void fail(const std::string& doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

/// Only one sluiced writes to a state folder. Held until the process ends, however it ends.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder)
      : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ < 0) fail("open " + folder.string());
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) fail("another sluiced uses " + folder.string());
  }
  ~FolderLock() { ::close(fd_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

/// SIGTERM and SIGINT as a descriptor; blocked in every thread that starts afterwards. A log or a client that has gone
/// away is no reason to end.
int ending_signals() {
  if (::signal(SIGPIPE, SIG_IGN) == SIG_ERR) fail("ignore SIGPIPE");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) fail("sigmask");
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) fail("signalfd");
  return fd;
}

/// Results on their way from the workers to the loop.
class Results {
 public:
  using Result = std::pair<ApiServer::Ticket, ApiReply>;
  void put(ApiServer::Ticket ticket, ApiReply reply) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.emplace_back(ticket, std::move(reply));
    }
    signal_.set();
  }
  std::vector<Result> take() {
    signal_.clear();
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }
  [[nodiscard]] int fd() const noexcept { return signal_.fd(); }

 private:
  Signal signal_;
  std::mutex mutex_;
  std::vector<Result> waiting_;  // with mutex_
};

void watch_fd(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll");
}

/// What the data plane does under the current rules, for the health gate of control/stage.
HealthSample health_of(const Config& config, const DataplaneView& dataplane) {
  if (!dataplane.reachable) return {};
  const std::uint64_t age_ms = dataplane.oldest_poll_us / 1000;
  const auto tally = read_tally(config.counters);
  if (!tally) return {.run = 1, .oldest_poll_ms = age_ms};
  const auto sum = [](const auto& counts) { return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}); };
  return {tally->started_unix_ns,
          sum(tally->names),
          sum(tally->blocked),
          sum(tally->observed),
          sum(tally->rx_pkts),
          tally->dropped_pkts,
          age_ms};
}

void check_slugs(const Config& config) {
  std::set<std::string> slugs;
  for (const FeedConfig& feed : config.feeds) {
    if (!slugs.insert(feed_slug(feed.feed)).second)
      throw std::runtime_error("two feeds share the folder of " + feed.feed);
  }
}

/// True where the image that every worker runs was made of this release; without a data plane, the current image.
bool in_force(const Config& config, const RulesView& rules, const DataplaneView& dataplane, const std::string& feed,
              const Book::Release& release) {
  if (rules.rules == nullptr) return false;
  const bool made = std::ranges::any_of(rules.rules->feeds(), [&](const ImageFeed& f) {
    return f.name == feed && f.epoch == release.epoch && f.seq == release.seq &&
           to_hex(f.snapshot_sha256) == release.sha256;
  });
  if (!made || !config.dataplane_enabled) return made;
  return dataplane.runs_current && dataplane.health.find(rules.image_sha256) != std::string::npos;
}

/// The log's public files over TCP, where that is asked for.
std::unique_ptr<FileServer> serve_log(const Config& config, const Ledger& ledger) {
  if (config.log.listen.empty()) return {};
  constexpr std::uint64_t kMaxPemBytes = 1 << 20;
  FileServer::Options options{listen_on(config.log.listen), config.log_folder(), {}, {}, {}};
  if (!config.log.tls_certificate.empty()) {
    options.certificate = read_whole(config.log.tls_certificate, kMaxPemBytes);
    options.key = read_whole(config.log.tls_key, kMaxPemBytes);
  }
  options.lookup = [&ledger](const std::string& name) { return ledger.lookup(name); };
  return std::make_unique<FileServer>(std::move(options));
}

void serve(ApiServer& api, Results& results, int signals) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) fail("epoll");
  for (const int fd : {api.fd(), results.fd(), signals}) watch_fd(epoll, fd);
  for (bool ending = false; !ending;) {
    std::array<epoll_event, 8> events{};
    const int n = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), api.timeout_ms());
    for (int i = 0; i < n; ++i) ending = ending || events[static_cast<std::size_t>(i)].data.fd == signals;
    for (auto& [ticket, reply] : results.take()) api.answer(ticket, std::move(reply));
    api.run();
  }
  ::close(epoll);
}

}  // namespace

int run_sluiced(const Config& config) {
  check_slugs(config);
  const int signals = ending_signals();
  const FolderLock folder_lock(config.state);
  Disk disk;
  Store store(config.state, disk);
  Alarms alarms(store.alarms_file(), disk);
  Inbox inbox(std::filesystem::path(config.state) / "inbox");
  const Signal ending;
  Results results;
  Latest<RulesView> rules;
  DataplaneWatch watch(config, alarms, ending.fd());
  Ledger ledger(config, alarms, [&](const std::string& feed, const Book::Release& release) {
    return in_force(config, *rules.get(), *watch.view().get(), feed, release);
  });
  const std::unique_ptr<FileServer> log_server = serve_log(config, ledger);
  const auto guard = load_guard(config.guards);
  if (!guard) throw std::runtime_error(guard.error());
  if (const std::string old = public_suffix_age(now_s()); !old.empty()) log(LogLevel::Warning, old);
  Intake intake(config, *guard, store, alarms, inbox, ledger,
                {[&](const RulesView& view) { rules.set(view); },
                 [&](const std::filesystem::path& image, const std::string& sha256) { watch.want({image, sha256}); },
                 [&] { return health_of(config, *watch.view().get()); }},
                ending.fd());
  IntakeWorker* worker_of_api = nullptr;
  const Routes routes(
      {config, rules, watch.view(), alarms, [&](const std::string& feed) { return ledger.receipts_json(feed); },
       [&](ApiServer::Ticket t) { worker_of_api->apply(t); },
       [&](ApiServer::Ticket t, Name zone) { worker_of_api->export_zone(t, std::move(zone)); },
       [&](ApiServer::Ticket t, IntakeTask task) { worker_of_api->run(t, std::move(task)); }},
      now_s());
  ApiServer api(config.api_socket, {config.admin_uids.begin(), config.admin_uids.end()},
                [&](const ApiRequest& request, ApiServer::Ticket ticket) { return routes.handle(request, ticket); });
  IntakeWorker worker(intake, inbox, watch, ending,
                      [&](ApiServer::Ticket ticket, ApiReply reply) { results.put(ticket, std::move(reply)); });
  worker_of_api = &worker;
  if (const auto confined = give_up_calls(); !confined) throw std::runtime_error(confined.error());
  (void)::sd_notify(0, "READY=1");
  log(LogLevel::Notice, "ready", {{"version", SLUICE_VERSION}, {"socket", config.api_socket}});
  serve(api, results, signals);
  (void)::sd_notify(0, "STOPPING=1");
  log(LogLevel::Notice, "ending");
  ending.set();
  ::close(signals);
  return 0;
}

}  // namespace sluice
