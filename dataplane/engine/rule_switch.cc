#include "dataplane/engine/rule_switch.h"

#include <rte_rcu_qsbr.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "dataplane/engine/image_file.h"

namespace sluice {
namespace {

constexpr auto kGraceStep = std::chrono::microseconds(200);

}  // namespace

RuleSwitch::RuleSwitch(std::optional<Ed25519PublicKey> key, std::uint64_t most_bytes, unsigned workers,
                       SlotDirectory& slots, std::chrono::milliseconds grace)
    : key_(key), most_bytes_(most_bytes), workers_(workers), slots_(slots), grace_(grace) {
  const std::size_t bytes =
      (rte_rcu_qsbr_get_memsize(workers) + RTE_CACHE_LINE_SIZE - 1) / RTE_CACHE_LINE_SIZE * RTE_CACHE_LINE_SIZE;
  qsbr_ = static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, bytes));
  if (qsbr_ == nullptr) throw std::bad_alloc();
  rte_rcu_qsbr_init(qsbr_, workers);
}

RuleSwitch::~RuleSwitch() {
  delete current_.load(std::memory_order_acquire);
  std::free(qsbr_);
}

Result<Sha256, std::string> RuleSwitch::load(const std::filesystem::path& path, UnixSeconds now) {
  const std::lock_guard one_at_a_time(load_);
  release_waiting();
  auto fresh = open(path, now);
  if (!fresh.has_value()) {
    note(fresh.error());
    return std::unexpected(fresh.error());
  }
  auto outcome = swap_in(std::move(*fresh));
  note(outcome.has_value() ? "" : outcome.error());
  return outcome;
}

Result<std::unique_ptr<LoadedRules>, std::string> RuleSwitch::open(const std::filesystem::path& path, UnixSeconds now) {
  if (!key_) return std::unexpected("no-key");
  {
    const std::lock_guard lock(state_);
    if (waiting_.size() >= kMostWaiting) return std::unexpected("too-many-waiting");
  }
  auto bytes = read_image_file(path, most_bytes_);
  if (!bytes.has_value()) return std::unexpected(bytes.error());
  auto rules = RuleSet::open(std::move(*bytes), *key_, workers_);
  if (!rules.has_value()) return std::unexpected(std::string(to_string(rules.error())));

  auto fresh = std::make_unique<LoadedRules>();
  fresh->rules = std::move(*rules);
  fresh->loaded = now;
  const auto feeds = fresh->rules->feeds();
  for (const ImageOrder& order : fresh->rules->orders())
    fresh->slots.push_back(slots_.slot(feeds[order.feed].name, order.id));
  return fresh;
}

Result<Sha256, std::string> RuleSwitch::swap_in(std::unique_ptr<LoadedRules> fresh) {
  const Sha256 hash = fresh->rules->image_sha256();
  std::unique_ptr<const LoadedRules> old;
  {
    const std::lock_guard lock(state_);
    old.reset(current_.exchange(fresh.release(), std::memory_order_acq_rel));
  }
  const std::uint64_t token = rte_rcu_qsbr_start(qsbr_);
  if (passed(token, true)) return hash;  // frees the old one
  const std::lock_guard lock(state_);
  if (old != nullptr) waiting_.push_back({std::move(old), token});
  return std::unexpected("worker-stalled");
}

/// True once every worker has been quiescent since the token was taken.
bool RuleSwitch::passed(std::uint64_t token, bool patient) noexcept {
  const auto deadline = std::chrono::steady_clock::now() + grace_;
  while (rte_rcu_qsbr_check(qsbr_, token, false) != 1) {
    if (!patient || std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kGraceStep);
  }
  return true;
}

void RuleSwitch::release_waiting() {
  const std::lock_guard lock(state_);
  std::erase_if(waiting_, [this](const Retired& retired) { return passed(retired.token, false); });
}

void RuleSwitch::note(const std::string& error) {
  const std::lock_guard lock(state_);
  ++(error.empty() ? loads_ : rejected_);
  last_error_ = error;
}

RulesHealth RuleSwitch::health() {
  release_waiting();
  const std::lock_guard lock(
      state_);  // nothing that current_ points to is freed before it is swapped out under this lock
  RulesHealth health;
  health.loads = loads_;
  health.rejected = rejected_;
  health.last_error = last_error_;
  health.waiting_release = waiting_.size();
  const LoadedRules* const now = current();
  if (now == nullptr) return health;
  health.sha256 = hex(now->rules->image_sha256());
  health.loaded = now->loaded;
  health.orders = now->rules->orders().size();
  health.names = now->rules->names();
  health.patterns = now->rules->patterns();
  for (const ImageFeed& feed : now->rules->feeds()) {
    health.feeds.push_back({std::string(feed.name), feed.epoch, feed.seq, hex(feed.snapshot_sha256)});
  }
  return health;
}

void RuleSwitch::join(unsigned worker) noexcept {
  rte_rcu_qsbr_thread_register(qsbr_, worker);
  rte_rcu_qsbr_thread_online(qsbr_, worker);
}

void RuleSwitch::quiescent(unsigned worker) noexcept {
  rte_rcu_qsbr_quiescent(qsbr_, worker);
}

void RuleSwitch::leave(unsigned worker) noexcept {
  rte_rcu_qsbr_thread_offline(qsbr_, worker);
  rte_rcu_qsbr_thread_unregister(qsbr_, worker);
}

}  // namespace sluice
