#include "dataplane/engine/telemetry.h"

#include <rte_telemetry.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "dataplane/engine/image_file.h"

namespace sluice {
namespace {

std::shared_mutex guard;                    // shared: a command is under way
const TelemetrySources* sources = nullptr;  // callbacks of DPDK carry no context

constexpr std::size_t kMostEntries = 200;  // of a list: below RTE_TEL_MAX_DICT_ENTRIES, and 16 KiB an answer

std::uint64_t clock_ns(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

/// A JSON object under construction.
class Object {
 public:
  explicit Object(rte_tel_data* data) : data_(data) { rte_tel_data_start_dict(data_); }
  void number(const char* name, std::uint64_t value) { rte_tel_data_add_dict_u64(data_, name, value); }
  void text(const char* name, const std::string& value) {
    rte_tel_data_add_dict_string(data_, name, value.substr(0, RTE_TEL_MAX_STRING_LEN - 1).c_str());
  }
  /// Adds {"name": {…}}, filled in by `fill`; DPDK frees it.
  template <class Fill>
  void object(const std::string& name, Fill&& fill) {
    rte_tel_data* const inner = rte_tel_data_alloc();
    if (inner == nullptr) return;
    Object wrapped(inner);
    fill(wrapped);
    rte_tel_data_add_dict_container(data_, name.c_str(), inner, 0);
  }
  /// {"name": {"0": {…}, "1": {…}}}: DPDK 22.11 prints no list of objects.
  template <class Fill>
  void list(const char* name, std::size_t count, Fill&& fill) {
    object(name, [&](Object& entries) {
      for (std::size_t i = 0; i < std::min(count, kMostEntries); ++i)
        entries.object(std::to_string(i), [&](Object& entry) { fill(entry, i); });
    });
  }

 private:
  rte_tel_data* data_;
};

void describe_workers(Object& answer) {
  const std::uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  answer.list("workers", sources->statuses.size(), [&](Object& worker, std::size_t i) {
    const std::uint64_t polled_ns = sources->statuses[i].last_poll_ns.load(std::memory_order_relaxed);
    worker.number("id", i);
    worker.number("poll_age_us", now_ns > polled_ns ? (now_ns - polled_ns) / 1000 : 0);
    worker.number("bursts", sources->workers[i]->bursts());
  });
}

void describe_rules(Object& answer) {
  const RulesHealth rules = sources->rules.health();
  answer.object("image", [&](Object& image) {
    if (rules.sha256.empty()) return;
    image.text("sha256", rules.sha256);
    image.number("loaded", static_cast<std::uint64_t>(rules.loaded));
    image.number("orders", rules.orders);
    image.number("names", rules.names);
    image.number("patterns", rules.patterns);
    image.list("feeds", rules.feeds.size(), [&](Object& feed, std::size_t i) {
      feed.text("feed", rules.feeds[i].feed);
      feed.number("epoch", rules.feeds[i].epoch);
      feed.number("seq", rules.feeds[i].seq);
      feed.text("sha256", rules.feeds[i].sha256);
    });
  });
  answer.number("loads", rules.loads);
  answer.number("rejected", rules.rejected);
  answer.text("last_error", rules.last_error);
  answer.number("waiting_release", rules.waiting_release);
}

void describe_ports(Object& answer) {
  const auto& ports = sources->ports.all();
  answer.list("ports", ports.size(), [&](Object& entry, std::size_t i) {
    const PortCounts counts = ports[i].counts();
    std::uint64_t tx_drop = 0;
    for (const auto& worker : sources->workers) tx_drop += worker->tx_drops(i);
    entry.text("name", ports[i].spec().name);
    entry.text("role", role_name(ports[i].spec()));
    entry.number("link", ports[i].has_link() ? 1 : 0);
    entry.number("imissed", counts.imissed);
    entry.number("rx_nombuf", counts.rx_nombuf);
    entry.number("tx_drop", tx_drop);
  });
}

int health(const char*, const char*, rte_tel_data* data) {
  const std::shared_lock lock(guard);
  if (sources == nullptr) return -1;
  Object answer(data);
  answer.number("pid", static_cast<std::uint64_t>(getpid()));
  answer.text("mode", sources->options.policy.mode == Mode::Enforce ? "enforce" : "observe");
  answer.number("started", sources->started_unix_s);
  describe_workers(answer);
  describe_rules(answer);
  describe_ports(answer);
  return 0;
}

int load(const char*, const char* path, rte_tel_data* data) {
  const std::shared_lock lock(guard);
  if (sources == nullptr) return -1;
  Object answer(data);
  const auto now = static_cast<UnixSeconds>(clock_ns(CLOCK_REALTIME) / 1'000'000'000);
  const auto outcome =
      path == nullptr ? Result<Sha256, std::string>(std::unexpected("unreadable")) : sources->rules.load(path, now);
  answer.number("ok", outcome.has_value() ? 1 : 0);
  if (outcome.has_value())
    answer.text("sha256", hex(*outcome));
  else
    answer.text("error", outcome.error());
  return 0;
}

}  // namespace

Telemetry::Telemetry(const TelemetrySources& given) {
  const std::unique_lock lock(guard);
  sources = &given;
  rte_telemetry_register_cmd("/sluice/health", health, "Workers, rules and ports. No parameters.");
  rte_telemetry_register_cmd("/sluice/load", load, "Loads the rule image at PATH. Parameter: PATH");
}

Telemetry::~Telemetry() {
  const std::unique_lock lock(guard);
  sources = nullptr;
}

}  // namespace sluice
