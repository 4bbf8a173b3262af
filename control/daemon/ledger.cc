#include "control/daemon/ledger.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>

#include "control/journal/journal.h"
#include "control/ledger/log_key.h"
#include "rules/model/name.h"
#include "rules/sign/digest.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr UnixSeconds kTickSeconds = 5;
constexpr std::size_t kReceiptsShown = 100;

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

Ledger::Ledger(const Config& config, Alarms& alarms, InForce in_force)
    : config_(config), alarms_(alarms), in_force_(std::move(in_force)), acknowledger_(config) {}

Result<OrderLog*, std::string> Ledger::open() {
  if (!log_) {
    auto key = key_for(config_);
    if (!key) return std::unexpected(key.error());
    log(LogLevel::Notice, "log", {{"verifier", key->who.text()}, {"folder", config_.log_folder()}});
    log_.emplace(config_.log_folder(), fs::path(config_.state) / "ledger", *std::move(key));
  }
  if (auto opened = log_->open(); !opened) return std::unexpected(opened.error());
  if (!lookups_.get()->secrets) show_lookups();
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
  auto logged = (*opened)->enforce(what, now);
  if (logged) show_lookups();
  return settle(std::move(logged), now);
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

void Ledger::show_lookups() {
  lookups_.set({lookup_orders(log_->book()), log_->targets(), log_->secrets()});
}

std::optional<std::string> Ledger::lookup(const std::string& name) const {
  const auto canonical = canonical_name(name);
  const auto lookups = lookups_.get();
  if (!canonical || !lookups->secrets) return {};
  return answer_lookup(*canonical, lookups->orders, lookups->lists, *lookups->secrets);
}

std::string Ledger::receipts_json(const std::string& feed) const {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("receipts").begin_array();
  for (const ReceiptFiles::Signed& one : acknowledger_.files().latest(feed, kReceiptsShown)) {
    json.begin_object().member("receipt", one.receipt).member("signature", one.signature).end_object();
  }
  json.end_array().end_object();
  return out + "\n";
}

Result<void, std::string> Ledger::acknowledge(UnixSeconds now) {
  if (!in_force_) return {};
  if (auto wire = status(Pins(config_.wire))) acknowledger_.measure(*wire, now);
  const auto opened = open();
  if (!opened) return std::unexpected(opened.error());
  for (const auto& [feed, said] : (*opened)->book().feeds()) {
    if (!said.release || acknowledger_.files().has(feed, *said.release) || !in_force_(feed, *said.release)) continue;
    if (auto written = acknowledger_.acknowledge(**opened, feed, now); !written) return written;
  }
  return {};
}

void Ledger::tick(UnixSeconds now) {
  (void)settle(acknowledge(now), now);
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
