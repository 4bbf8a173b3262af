#include "control/store/alarms.h"

#include <algorithm>
#include <array>
#include <exception>

#include "control/journal/journal.h"
#include "rules/text/json_fields.h"
#include "rules/text/json_writer.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxDetail = 512;
constexpr std::uint64_t kMaxFile = 4 << 20;

/// Alarms of the data plane: they end when it is well again, not with a bundle.
bool is_of_dataplane(const std::string& code) {
  return code == "dataplane-unreachable" || code == "image-rejected";
}

constexpr std::array<std::string_view, 6> kStay{"rollback",      "equivocation",      "fast-forward",
                                                "root-rollback", "root-equivocation", "freeze"};

std::string write_alarms(const std::vector<Alarm>& alarms) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("alarms").begin_array();
  for (const Alarm& a : alarms) {
    json.begin_object().member("code", a.code).member("feed", a.feed).member("detail", a.detail);
    json.member("since", format_rfc3339(a.since)).member("count", a.count).end_object();
  }
  json.end_array().end_object();
  return out + "\n";
}

std::vector<Alarm> read_alarms(std::string_view text) {
  std::vector<Alarm> alarms;
  JsonDocument json;
  json.read(text, 1, [&](std::string_view top, JsonDocument::Value& list) {
    if (top != "alarms") return false;
    json.read_array(list, [&](JsonDocument::Value& item) {
      Alarm alarm;
      std::string since;
      json.read_object(item, [&](std::string_view key, JsonDocument::Value& value) {
        if (key == "code") return json.read_string(value, alarm.code), true;
        if (key == "feed") return json.read_string(value, alarm.feed), true;
        if (key == "detail") return json.read_string(value, alarm.detail), true;
        if (key == "since") return json.read_string(value, since), true;
        if (key == "count") return json.read_u64(value, alarm.count), true;
        return false;
      });
      alarm.since = parse_rfc3339(since).value_or(0);
      alarms.push_back(std::move(alarm));
    });
    return true;
  });
  return json.ok() ? alarms : std::vector<Alarm>();
}

}  // namespace

bool stays(std::string_view code) noexcept {
  return std::ranges::find(kStay, code) != kStay.end();
}

Alarms::Alarms(std::filesystem::path file, Disk& disk) : file_(std::move(file)), disk_(&disk) {
  try {
    if (std::filesystem::exists(file_)) alarms_ = read_alarms(read_whole(file_, kMaxFile));
  } catch (const std::exception& e) {
    log(LogLevel::Warning, "alarms of the last run are lost", {{"detail", e.what()}});
  }
}

void Alarms::raise(const std::string& code, const std::string& feed, const std::string& detail, UnixSeconds now) {
  const std::lock_guard lock(mutex_);
  const std::string cut = detail.substr(0, kMaxDetail);
  const auto it = std::ranges::find_if(alarms_, [&](const Alarm& a) { return a.code == code && a.feed == feed; });
  if (it == alarms_.end()) {
    alarms_.push_back({code, feed, cut, now, 1});
  } else {
    ++it->count;
    it->detail = cut;
  }
  log(LogLevel::Error, "alarm", {{"code", code}, {"feed", feed}, {"detail", cut}});
  save();
}

void Alarms::clear(const std::string& code, const std::string& feed) {
  const std::lock_guard lock(mutex_);
  if (std::erase_if(alarms_, [&](const Alarm& a) { return a.code == code && a.feed == feed; }) == 0) return;
  log(LogLevel::Notice, "alarm over", {{"code", code}, {"feed", feed}});
  save();
}

void Alarms::superseded(const std::string& feed) {
  const std::lock_guard lock(mutex_);
  const auto over = [&](const Alarm& a) {
    return (a.feed == feed || a.feed.empty()) && !is_of_dataplane(a.code) && !stays(a.code);
  };
  if (std::erase_if(alarms_, over) > 0) save();
}

bool Alarms::acknowledge(const std::string& code, const std::string& feed) {
  if (!stays(code)) return false;
  const std::lock_guard lock(mutex_);
  if (std::erase_if(alarms_, [&](const Alarm& a) { return a.code == code && a.feed == feed; }) == 0) return false;
  save();
  return true;
}

std::vector<Alarm> Alarms::list() const {
  const std::lock_guard lock(mutex_);
  return alarms_;
}

void Alarms::save() noexcept {
  try {
    disk_->replace_file(file_, write_alarms(alarms_));
  } catch (const std::exception& e) {
    log(LogLevel::Error, "alarms cannot be saved", {{"detail", e.what()}});
  }
}

}  // namespace sluice
