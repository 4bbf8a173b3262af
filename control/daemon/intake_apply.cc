// The part of Intake that follows control/stage: what is in shadow, what the operator refuses, and when that changes.
#include <algorithm>
#include <set>
#include <system_error>

#include "control/daemon/changes.h"
#include "control/daemon/image_file.h"
#include "control/daemon/intake.h"
#include "control/journal/journal.h"
#include "rules/image/standing.h"

namespace sluice {
namespace {

bool alarmed(const Alarms& alarms, std::string_view code, const std::string& feed) {
  const auto all = alarms.list();
  return std::ranges::any_of(all, [&](const Alarm& alarm) { return alarm.code == code && alarm.feed == feed; });
}

}  // namespace

std::vector<Outcome> Intake::take_up_staged(std::int64_t now_ns) {
  hold_ = true;
  auto outcomes = take_up(now_ns, false);
  hold_ = false;
  return outcomes;
}

/// What stands now is what the next bundle is held against, unless some of it is itself held back.
void Intake::remember_prior(const std::string& feed) {
  const auto& state = feed_view(feed).state;
  if (state && !held_back_.contains(feed)) store_.remember(*state);
}

Result<std::string, std::string> Intake::diff(const std::string& feed) const try {
  std::string out = R"({"feeds":[)";
  for (const FeedView& f : view_.feeds) {
    if (!f.state || (!feed.empty() && f.feed != feed)) continue;
    const auto changes = changes_json(view_, f, store_.prior(f.feed), store_.files(*f.state).bundle);
    if (!changes) return std::unexpected(changes.error());
    if (out.back() == '}') out += ',';
    out += *changes;
  }
  return out + "]}\n";
} catch (const std::exception& e) {
  return std::unexpected(std::string(e.what()));
}

void Intake::note_held_back() {
  held_back_.clear();
  for (const ImageOrder& order : view_.rules->orders()) {
    if (order.shadow) held_back_.emplace(view_.rules->feeds()[order.feed].name);
  }
}

/// What is in current.img now is what was wanted.
void Intake::image_made() {
  try {
    stage_.image_made(held_back_);
  } catch (const std::system_error& e) {
    log(LogLevel::Warning, "the image is built once more at the next start", {{"detail", e.what()}});
  }
}

Result<void, std::string> Intake::change(const std::function<StageAnswer(const Stage&)>& how, UnixSeconds now) {
  auto next = how(stage_);
  if (!next) return std::unexpected(next.error());
  try {
    stage_.put(*std::move(next));
  } catch (const std::system_error& e) {
    return std::unexpected(std::string(e.what()));
  }
  rebuild(now);
  tell_stages(now);
  show();
  return {};
}

void Intake::follow_stages(UnixSeconds now) {
  if (stage_.state().staged.empty()) return;
  const HealthSample sample = health();
  while (auto step = stage_.advance(sample, now)) {
    try {
      stage_.put(std::move(step->next));
    } catch (const std::system_error& e) {
      log(LogLevel::Error, "a stage cannot go on", {{"feed", step->feed}, {"detail", e.what()}});
      return;
    }
    log(LogLevel::Notice, "stage", {{"feed", step->feed}, {"undone", step->undone}});
    if (step->image_changes) {
      rebuild(now);
    } else {
      image_made();
    }
    tell_stages(now);
    show();
  }
}

/// Alarms for what somebody should look at: a feed that was undone, or that waits for a word.
void Intake::tell_stages(UnixSeconds now) {
  for (const FeedConfig& feed : config_.feeds) {
    const StagedApply* const staged = find_staged(stage_.state(), feed.feed);
    const auto tell = [&](const char* code, Phase phase, const std::string& what) {
      if (staged == nullptr || staged->phase != phase) {
        alarms_.clear(code, feed.feed);
      } else if (!alarmed(alarms_, code, feed.feed)) {
        alarms_.raise(code, feed.feed, what, now);
      }
    };
    tell("apply-undone", Phase::Undone,
         staged == nullptr ? "" : "what the last bundle brought is in shadow: " + staged->why);
    tell("churn", Phase::Held, staged == nullptr ? "" : "what the last bundle brought is in shadow: " + staged->why);
    tell("apply-waiting", Phase::Waiting, "what the last bundle brought is in shadow until it is confirmed");
  }
}

/// For exports: what the image leaves out or has in shadow.
void Intake::hold_back_staged(Feed& feed) const {
  const std::string& name = feed.snapshot.header.feed;
  const CompileMarks marks = marks_of(stage_.state(), store_.images());
  for (const CompileMarks::Order& refused : marks.refused) {
    if (refused.feed == name) feed.refused.insert(refused.order);
  }
  const auto& orders = feed.snapshot.orders;
  for (const CompileMarks::Order& shadow : marks.shadow) {
    for (std::size_t i = 0; shadow.feed == name && i < orders.size(); ++i) {
      if (shadow.order.empty() || shadow.order == orders[i].order.id) feed.shadow.insert(i);
    }
  }
  for (const CompileMarks::Staged& staged : marks.staged) {
    if (staged.feed != name) continue;
    if (staged.base.empty()) return stage_feed(feed, PriorRules());
    const std::vector<std::uint8_t> bytes = read_image(staged.base);
    const auto key = read_image_key(config_.image_key);
    if (!key) throw std::runtime_error(config_.image_key + ": not a key of 64 hex digits");
    const auto base = ImageView::open(bytes, *key);
    if (!base) throw std::runtime_error(staged.base.string() + ": " + std::string(to_string(base.error())));
    stage_feed(feed, PriorRules(*base, name));
  }
}

}  // namespace sluice
