#include "control/daemon/ledger.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <set>

#include "control/journal/journal.h"
#include "control/ledger/log_key.h"
#include "rules/sign/digest.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr UnixSeconds kTickSeconds = 5;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
}

/// The key of the configured file, made where there is none.
Result<NoteSigner, std::string> key_for(const Config& config) {
  const std::string& origin = config.log.origin;
  if (!fs::exists(config.log_key())) {
    log(LogLevel::Notice, "making the key of the log", {{"file", config.log_key()}});
    return make_log_key(config.log_key(), origin.empty() ? host_name() + "/sluice" : origin);
  }
  auto key = read_log_key(config.log_key());
  if (key && !origin.empty() && key->who.name != origin) {
    return std::unexpected(config.log_key() + ": the key of " + key->who.name + ", and log.origin is " + origin);
  }
  return key;
}

}  // namespace

Ledger::Ledger(const Config& config, Alarms& alarms) : config_(config), alarms_(alarms) {}

Result<OrderLog*, std::string> Ledger::open() {
  if (!log_) {
    auto key = key_for(config_);
    if (!key) return std::unexpected(key.error());
    log(LogLevel::Notice, "log", {{"verifier", key->who.text()}, {"folder", config_.log_folder()}});
    log_.emplace(config_.log_folder(), fs::path(config_.state) / "ledger", *std::move(key));
  }
  if (auto opened = log_->open(); !opened) return std::unexpected(opened.error());
  return &*log_;
}

/// Passes a result on, and raises or clears the alarm.
template <class T>
Result<T, std::string> Ledger::settle(Result<T, std::string> result, UnixSeconds now) {
  if (!result) {
    alarms_.raise("log-failed", "", result.error(), now);
  } else if (failed_) {
    alarms_.clear("log-failed", "");
  }
  failed_ = !result;
  return result;
}

Result<Logged, std::string> Ledger::enforce(const Enforced& what, UnixSeconds now) {
  const auto opened = open();
  if (!opened) return settle<Logged>(std::unexpected(opened.error()), now);
  return settle((*opened)->enforce(what, now), now);
}

Result<void, std::string> Ledger::record(std::span<const LedgerEvent> events, UnixSeconds now) {
  const auto opened = open();
  if (!opened) return settle<void>(std::unexpected(opened.error()), now);
  std::vector<JsonValue> entries;
  for (const LedgerEvent& event : events) {
    if (const auto* overridden = std::get_if<GuardOverridden>(&event)) {
      entries.push_back(override_entry(overridden->feed, overridden->order, overridden->guard, overridden->why, now));
      continue;
    }
    const auto& changed = std::get<RootChanged>(event);
    const std::string sha256 = to_hex(digests_of(changed.text).sha256);
    if ((*opened)->book().feed(changed.feed).root_sha256 == sha256) continue;
    auto root = read_json(changed.text);
    if (!root) return settle<void>(std::unexpected("root of " + changed.feed + ": " + root.error()), now);
    entries.push_back(root_entry(changed.feed, *root, sha256, now));
  }
  return settle((*opened)->append(entries), now);
}

void Ledger::tick(UnixSeconds now) {
  if (now < next_tick_) return;
  next_tick_ = now + kTickSeconds;
  const auto opened = open();
  if (!opened) {
    (void)settle<void>(std::unexpected(opened.error()), now);
    return;
  }
  (void)settle((*opened)->reveal(now), now);
}

}  // namespace sluice
