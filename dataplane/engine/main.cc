// sluice-dataplane: moves packets and enforces the rule image. Command line, files and telemetry: docs/interfaces.md.
#include <rte_eal.h>
#include <rte_launch.h>
#include <signal.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "dataplane/engine/counter_file.h"
#include "dataplane/engine/eal.h"
#include "dataplane/engine/image_file.h"
#include "dataplane/engine/options.h"
#include "dataplane/engine/ports.h"
#include "dataplane/engine/privileges.h"
#include "dataplane/engine/rule_switch.h"
#include "dataplane/engine/telemetry.h"
#include "dataplane/engine/worker.h"

namespace {

using namespace sluice;

constexpr std::int64_t kHousekeeping_ns = 100'000'000;
constexpr std::uint64_t kStalled_ns = 2'000'000'000;

int refuse(const std::string& why) {
  std::fprintf(stderr, "sluice-dataplane: %s\n", why.c_str());
  return 1;
}

int launch(void* worker) {
  static_cast<Worker*>(worker)->run();
  return 0;
}

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  while (getrandom(&seed, sizeof seed, 0) != sizeof seed) continue;
  return seed;
}

/// A bad image at start is an alarm, not an exit: the wire goes on (row no-image).
void load_first(RuleSwitch& rules, const std::filesystem::path& image, std::uint64_t now_ns) {
  const auto outcome = rules.load(image, static_cast<UnixSeconds>(now_ns / 1'000'000'000));
  if (!outcome.has_value())
    std::fprintf(stderr, "sluice-dataplane: %s: not loaded: %s\n", image.c_str(), outcome.error().c_str());
}

bool all_running(const std::vector<WorkerStatus>& statuses) {
  for (const auto& status : statuses) {
    if (!status.running.load(std::memory_order_acquire)) return false;
  }
  return true;
}

/// False where a worker has not polled for seconds: then systemd's watchdog shall end us, and the kernel forwards
/// meanwhile.
bool all_polling(const std::vector<WorkerStatus>& statuses) {
  const std::uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  for (const auto& status : statuses) {
    if (status.last_poll_ns.load(std::memory_order_relaxed) + kStalled_ns < now_ns) return false;
  }
  return true;
}

/// Until SIGTERM or SIGINT, or the captures are at their end.
void keep_house(const sigset_t& signals, Ports& ports, const std::vector<WorkerStatus>& statuses) {
  const timespec pause{.tv_sec = 0, .tv_nsec = kHousekeeping_ns};
  bool ready = false;
  while (sigtimedwait(&signals, nullptr, &pause) < 0) {
    if (statuses.front().captures_read.load(std::memory_order_acquire)) return;
    ports.propagate_link_loss();
    if (!ready && all_running(statuses)) {
      std::fputs("ready\n", stderr);
      sd_notify(0, "READY=1");
      ready = true;
    }
    if (all_polling(statuses)) sd_notify(0, "WATCHDOG=1");
  }
}

int run(const Options& options, const sigset_t& signals) {
  if (auto ok = start_eal(options); !ok.has_value()) return refuse(ok.error());
  share_telemetry(options);
  const std::uint64_t started_ns = clock_ns(CLOCK_REALTIME);
  auto counters = CounterFile::create(options.run_dir, options.workers, options.group, options.policy.rows, started_ns);
  if (!counters.has_value()) return refuse(counters.error());
  std::optional<Ed25519PublicKey> key;
  if (!options.image_key.empty()) {
    const auto read = read_image_key(options.image_key);
    if (!read.has_value()) return refuse(read.error());
    key = *read;
  }
  SlotDirectory slots((*counters)->header(), (*counters)->slots());
  RuleSwitch rules(key, options.max_image_bytes, options.workers, slots);
  if (!options.image.empty()) load_first(rules, options.image, started_ns);
  auto ports = Ports::open(options);
  if (!ports.has_value()) return refuse(ports.error());
  if (auto ok = drop_sys_admin(); !ok.has_value()) return refuse(ok.error());

  Policy policy = options.policy;
  if (const Port* const injection = (*ports)->injection()) policy.paths.injection->source = injection->mac();

  std::vector<WorkerStatus> statuses(options.workers);
  std::vector<std::unique_ptr<Worker>> workers;
  workers.reserve(options.workers);
  for (unsigned i = 0; i < options.workers; ++i) {
    workers.push_back(
        std::make_unique<Worker>(i, **ports, policy, rules, (*counters)->worker(i), statuses[i], random_seed()));
  }
  const TelemetrySources sources{options, **ports, rules, statuses, workers, started_ns / 1'000'000'000};
  const Telemetry telemetry(sources);
  for (unsigned i = 0; i < options.workers; ++i) rte_eal_remote_launch(launch, workers[i].get(), i + 1);
  keep_house(signals, **ports, statuses);
  sd_notify(0, "STOPPING=1");
  for (auto& status : statuses) status.stop.store(true, std::memory_order_relaxed);
  rte_eal_mp_wait_lcore();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto options = parse_options(argc, argv);
  if (!options.has_value()) {
    std::fprintf(options.error().exit_code == 0 ? stdout : stderr, "%s\n", options.error().message.c_str());
    return options.error().exit_code;
  }
  sigset_t signals;  // blocked before DPDK starts its threads, so that only keep_house takes them
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int code = run(*options, signals);
  rte_eal_cleanup();
  return code;
}
