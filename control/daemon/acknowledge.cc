#include "control/daemon/acknowledge.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "control/ledger/private_files.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using Object = JsonValue::Object;

constexpr UnixSeconds kSaveSeconds = 60;
constexpr std::size_t kMaxMeterBytes = 1 << 20;

fs::path meter_file(const Config& config) {
  return fs::path(config.state) / "ledger/meter.json";
}

/// A secret key that only its owner reads, in one step: a key cut short would stay for good.
Result<void, std::string> write_secret(const fs::path& file, std::string_view text) {
  const std::string temporary = file.string() + ".new";
  const auto fail = [&] { return std::unexpected(file.string() + ": " + std::strerror(errno)); };
  (void)::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return fail();
  const bool written = std::cmp_equal(::write(fd, text.data(), text.size()), text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(temporary.c_str(), file.c_str()) != 0) return fail();
  return {};
}

}  // namespace

Acknowledger::Acknowledger(const Config& config) : config_(config), files_(fs::path(config.state) / "receipts") {
  for (const FeedConfig& feed : config.feeds) since_[feed.feed] = {};
  load_meter();
}

void Acknowledger::load_meter() {
  const auto text = read_regular_file(meter_file(config_).string(), kMaxMeterBytes);
  const auto meter = text ? read_json(*text) : std::unexpected(text.error());
  if (!meter) return;
  for (auto& [feed, since] : since_) {
    const JsonValue* saved = meter->find(feed);
    if (saved == nullptr) continue;
    since = {saved->number("bypass_seconds"), saved->number("packets"), saved->number("of_packets")};
  }
}

Result<void, std::string> Acknowledger::save_meter() const {
  Object meter;
  for (const auto& [feed, since] : since_) {
    meter[feed] =
        Object{{"bypass_seconds", since.bypass_seconds}, {"packets", since.packets}, {"of_packets", since.of_packets}};
  }
  return keep_file(meter_file(config_), canonical_json(meter) + "\n");
}

void Acknowledger::measure(const std::vector<InterfaceStatus>& wire, UnixSeconds now) {
  const bool bypass =
      std::ranges::any_of(wire, [](const InterfaceStatus& i) { return i.attached && i.config.bypass != 0; });
  Uninspected passed;
  if (bypass && measured_ != 0 && now > measured_) passed.bypass_seconds = static_cast<std::uint64_t>(now - measured_);
  measured_ = now;
  for (const InterfaceStatus& interface : wire) {
    const auto [at, fresh] = last_.try_emplace(interface.name);
    std::array<std::uint64_t, SLUICE_WIRE_COUNTERS> grown{};
    for (std::size_t i = 0; i < grown.size(); ++i) {
      const std::uint64_t pkts = interface.counters[i].pkts;
      // Another program on the interface counts from zero again; what was before this process is nobody's.
      grown[i] = fresh ? 0 : pkts >= at->second[i] ? pkts - at->second[i] : pkts;
      at->second[i] = pkts;
    }
    passed.packets += grown[SLUICE_WIRE_BYPASS] + grown[SLUICE_WIRE_NO_SOCKET] + grown[SLUICE_WIRE_STALE];
    passed.of_packets += grown[SLUICE_WIRE_STEERED];
  }
  passed.of_packets += passed.packets;
  for (auto& [feed, since] : since_) {
    since.bypass_seconds += passed.bypass_seconds;
    since.packets += passed.packets;
    since.of_packets += passed.of_packets;
  }
  if (now - saved_ < kSaveSeconds) return;
  saved_ = now;
  (void)save_meter();  // what is lost here is a minute of a measurement
}

Result<void, std::string> Acknowledger::load_key() {
  if (key_) return {};
  const fs::path file = fs::path(config_.state) / "gateway.key";
  if (!fs::exists(file)) {
    const MinisignSecretKey made = generate_minisign_key();
    const auto text = write_secret_key(made, std::nullopt);
    if (!text.has_value()) return std::unexpected(std::string(to_string(text.error())));
    const fs::path open = fs::path(config_.state) / "gateway.pub";
    if (auto kept = keep_file(open, write_public_key(public_key_of(made))); !kept) return kept;
    if (auto kept = write_secret(file, *text); !kept) return kept;
  }
  const auto text = read_regular_file(file.string(), kMaxMinisignBytes);
  if (!text) return std::unexpected(file.string() + ": " + text.error());
  const auto key = read_secret_key(*text, std::nullopt);
  if (!key.has_value()) return std::unexpected(file.string() + ": " + std::string(to_string(key.error())));
  key_ = *key;
  return {};
}

Result<void, std::string> Acknowledger::acknowledge(const OrderLog& log, const std::string& feed, UnixSeconds now) {
  const auto& release = log.book().feed(feed).release;
  if (!release || files_.has(feed, *release)) return {};
  if (auto loaded = load_key(); !loaded) return loaded;
  const auto unseal = [&](std::uint64_t, const std::string& commitment) { return log.secrets().unseal(commitment); };
  const auto receipt = make_receipt(log.book(), log.files(), feed, log.who().name, now, since_[feed], unseal);
  if (!receipt) return std::unexpected(receipt.error());
  if (auto put = files_.put(*receipt, *key_); !put) return put;
  since_[feed] = {};
  return save_meter();
}

}  // namespace sluice
