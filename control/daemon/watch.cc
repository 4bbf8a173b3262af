#include "control/daemon/watch.h"

#include "control/daemon/wall_clock.h"
#include "control/journal/journal.h"

namespace sluice {

using Clock = std::chrono::steady_clock;

DataplaneWatch::DataplaneWatch(const Config& config, Alarms& alarms, int cancel_fd)
    : config_(config), alarms_(alarms), dataplane_(config.telemetry, cancel_fd) {
  view_.set({.enabled = config.dataplane_enabled, .health = {}});
  if (!config.dataplane_enabled) {
    alarms_.clear("dataplane-unreachable", "");
    alarms_.clear("image-rejected", "");
    return;
  }
  thread_ = std::thread([this] { run(); });
}

DataplaneWatch::~DataplaneWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DataplaneWatch::want(WantedImage image) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(image);
    kicked_ = true;
  }
  changed_.notify_all();
}

HandOver DataplaneWatch::hand_over() {
  if (!config_.dataplane_enabled) return {true, "no data plane is configured"};
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = ++asked_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return answered_ >= ticket || ending_; });
  return answered_ >= ticket ? last_ : HandOver{false, "ending"};
}

void DataplaneWatch::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    kicked_ = false;
    const std::uint64_t asked = asked_;
    if (asked > answered_) {
      const WantedImage wanted = wanted_;
      lock.unlock();
      const HandOver result = wanted.sha256.empty() ? HandOver{false, "no image yet"} : load(wanted);
      lock.lock();
      last_ = result;
      answered_ = asked;
      changed_.notify_all();
    }
    lock.unlock();
    look();
    lock.lock();
    changed_.wait_for(lock, std::chrono::seconds(1), [&] { return ending_ || kicked_ || asked_ > answered_; });
  }
}

/// One look: health, then a hand-over where another image runs than the wanted one.
void DataplaneWatch::look() {
  auto health = dataplane_.health(kHealthTimeout);
  // A connection from before its restart answers "closed" once: the second try is on a new one.
  if (!health && health.error() == SocketError::Closed) health = dataplane_.health(kHealthTimeout);
  if (!health) return report(false, {}, std::string(to_string(health.error())));
  WantedImage wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = wanted_;
  }
  const bool other = !wanted.sha256.empty() && health->image_sha256 != wanted.sha256;
  if (!other && refused_sha256_ == wanted.sha256 && !refused_sha256_.empty()) accepted();  // a stalled worker moved on
  const bool too_soon = wanted.sha256 == refused_sha256_ && Clock::now() - refused_at_ < kRetry;
  if (other && !too_soon && load(wanted).ok) {
    if (auto again = dataplane_.health(kHealthTimeout)) health = std::move(again);
  }
  report(true, *health, "");
}

void DataplaneWatch::report(bool reachable, const Health& health, const std::string& why) {
  WantedImage wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = wanted_;
  }
  view_.set({.enabled = true,
             .reachable = reachable,
             .runs_current = reachable && !wanted.sha256.empty() && health.image_sha256 == wanted.sha256,
             .health = reachable ? health.json : "",
             .oldest_poll_us = reachable ? health.oldest_poll_us : 0});
  if (reachable) {
    if (misses_ != 0) log(LogLevel::Notice, "data plane answers", {{"pid", std::to_string(health.pid)}});
    misses_ = 0;
    alarms_.clear("dataplane-unreachable", "");
  } else if (++misses_ == kMissesToAlarm) {
    alarms_.raise("dataplane-unreachable", "", why, now_s());
  }
}

HandOver DataplaneWatch::load(const WantedImage& image) {
  const auto loaded = dataplane_.load(image.path, kLoadTimeout);
  if (!loaded) return {false, "unreachable: " + std::string(to_string(loaded.error()))};
  if (!loaded->ok) {
    refused_sha256_ = image.sha256;
    refused_at_ = Clock::now();
    alarms_.raise("image-rejected", "", "the data plane: " + loaded->error, now_s());
    return {false, "refused: " + loaded->error};
  }
  accepted();
  log(LogLevel::Notice, "data plane runs the image", {{"sha256", loaded->sha256}});
  return {true, "running"};
}

void DataplaneWatch::accepted() {
  refused_sha256_.clear();
  alarms_.clear("image-rejected", "");
}

}  // namespace sluice
