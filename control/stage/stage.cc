#include "control/stage/stage.h"

#include <algorithm>
#include <exception>

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxFile = 4 << 20;
constexpr std::size_t kMaxWhy = 500, kMaxCode = 32;

StagedApply* find(ApplyState& state, const std::string& feed) noexcept {
  const auto at = std::ranges::find(state.staged, feed, &StagedApply::feed);
  return at == state.staged.end() ? nullptr : &*at;
}

void forget(ApplyState& state, const std::string& feed) {
  std::erase_if(state.staged, [&](const StagedApply& staged) { return staged.feed == feed; });
}

bool is_code(const std::string& code) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !code.empty() && code.size() <= kMaxCode && letter(code.front()) && std::ranges::all_of(code, inner);
}

std::unexpected<std::string> no(std::string why) {
  return std::unexpected(std::move(why));
}

std::string held_text(const StagedApply& staged) {
  return "what is new in " + staged.feed + " is held by guard G7 (" + staged.why +
         "): a bundle whose header says why it changes so much releases it";
}

/// A phase that ends by itself: not later than its length from now, also where the clock was put back meanwhile.
void bound_end(StagedApply& staged, UnixSeconds now, const ApplyConfig& config) {
  const UnixSeconds length = staged.phase == Phase::Soaking ? config.soak_s : config.watch_s;
  staged.until = std::min(staged.until, now + length);
}

void begin_phase(StagedApply& staged, Phase phase, UnixSeconds now, UnixSeconds length_s) {
  staged.phase = phase;
  staged.since = now;
  staged.until = length_s == 0 && phase != Phase::Watched ? 0 : now + length_s;
  staged.confirm_by = 0;
  staged.why.clear();
}

/// Where the new part of a feed goes when nobody has enforced it.
void hold_back(StagedApply& staged, UnixSeconds now, const ApplyConfig& config) {
  if (config.policy == ApplyPolicy::Manual) {
    begin_phase(staged, Phase::Waiting, now, 0);
  } else {
    begin_phase(staged, Phase::Soaking, now, std::max<UnixSeconds>(1, config.soak_s));
  }
}

/// One feed's next phase, if there is one. True where the image changes.
enum class Move : std::uint8_t { Stay, Over, Enforced, HeldBack, Undone };
Move move(StagedApply& staged, const ApplyConfig& config, const std::optional<std::string>& unwell,
          const HealthSample& health, UnixSeconds now) {
  if (staged.phase != Phase::Soaking && staged.phase != Phase::Watched) return Move::Stay;
  if (unwell) {
    begin_phase(staged, Phase::Undone, now, 0);
    staged.why = *unwell;
    return Move::Undone;
  }
  bound_end(staged, now, config);
  if (staged.phase == Phase::Soaking) {
    if (now < staged.until) return Move::Stay;
    begin_phase(staged, Phase::Watched, now, config.watch_s);
    staged.before = shares_of(health);
    return Move::Enforced;
  }
  if (staged.confirm_by != 0) {
    if (now < staged.confirm_by) return Move::Stay;
    hold_back(staged, now, config);
    return Move::HeldBack;
  }
  return now < staged.until ? Move::Stay : Move::Over;
}

}  // namespace

Stage::Stage(fs::path file, Disk& disk, const Config& config) : file_(std::move(file)), disk_(&disk), config_(config) {
  try {
    if (!fs::exists(file_)) return;
    auto read = read_apply_state(read_whole(file_, kMaxFile));
    if (read) {
      state_ = *std::move(read);
    } else {
      trouble_ = read.error();
    }
  } catch (const std::exception& e) {
    trouble_ = e.what();
  }
  if (!trouble_.empty()) state_.image_due = true;
}

void Stage::put(ApplyState next) {
  next.image_due = true;
  disk_->replace_file(file_, write_apply_state(next));
  state_ = std::move(next);
}

void Stage::image_made(const std::set<std::string>& held_back) {
  ApplyState next = state_;
  std::erase_if(next.staged,
                [&](const StagedApply& staged) { return in_shadow(staged.phase) && !held_back.contains(staged.feed); });
  next.image_due = false;
  if (next == state_) return;
  disk_->replace_file(file_, write_apply_state(next));
  state_ = std::move(next);
}

ApplyState Stage::arrival(const std::string& feed, const std::string& base, const HealthSample& health, UnixSeconds now,
                          bool hold) const {
  const ApplyConfig& config = config_.find(feed)->apply;
  const StagedApply* const earlier = find_staged(state_, feed);
  // After an undo of a direct feed, what comes next is looked at first.
  const bool undone = earlier != nullptr && earlier->phase == Phase::Undone;
  ApplyState next = state_;
  forget(next, feed);
  StagedApply staged{.feed = feed, .base = base, .before = shares_of(health), .why = {}};
  if (hold || undone || config.policy != ApplyPolicy::Direct) {
    hold_back(staged, now, config);
  } else {
    begin_phase(staged, Phase::Watched, now, config.watch_s);
  }
  next.staged.push_back(std::move(staged));
  return next;
}

ApplyState Stage::held(const std::string& feed, const std::string& base, const HealthSample& health, UnixSeconds now,
                       std::string why) const {
  ApplyState next = arrival(feed, base, health, now, true);
  StagedApply& staged = *find(next, feed);
  begin_phase(staged, Phase::Held, now, 0);
  staged.why = std::move(why);
  return next;
}

std::optional<Stage::Step> Stage::advance(const HealthSample& health, UnixSeconds now) {
  for (const StagedApply& staged : state_.staged) {
    Step step{state_, staged.feed, "", false};
    const FeedConfig* const feed = config_.find(staged.feed);
    if (feed == nullptr) {
      forget(step.next, staged.feed);
      return step;
    }
    StagedApply& next = *find(step.next, staged.feed);
    const Move moved = move(next, feed->apply, gate_.look(staged, feed->apply.health, health), health, now);
    if (moved == Move::Stay) continue;
    if (moved == Move::Undone) step.undone = next.why;
    step.image_changes = moved != Move::Over;
    if (moved == Move::Over) forget(step.next, staged.feed);
    return step;
  }
  return std::nullopt;
}

StageAnswer Stage::enforce(const std::string& feed, const HealthSample& health, UnixSeconds now,
                           UnixSeconds within_s) const {
  ApplyState next = state_;
  StagedApply* const staged = find(next, feed);
  if (staged == nullptr) return no("nothing of " + feed + " is held back: what stands is enforced");
  if (staged->phase == Phase::Held) return no(held_text(*staged));
  begin_phase(*staged, Phase::Watched, now, config_.find(feed)->apply.watch_s);
  staged->before = shares_of(health);
  if (within_s > 0) staged->confirm_by = now + within_s;
  return next;
}

StageAnswer Stage::confirm(const std::string& feed) const {
  ApplyState next = state_;
  const StagedApply* const staged = find(next, feed);
  if (staged == nullptr) return no("nothing of " + feed + " is held back or watched");
  if (staged->phase == Phase::Held) return no(held_text(*staged));
  forget(next, feed);
  return next;
}

StageAnswer Stage::undo(const std::string& feed, UnixSeconds now) const {
  ApplyState next = state_;
  StagedApply* const staged = find(next, feed);
  if (staged == nullptr) {
    return no("the last bundle of " + feed + " stands for good; an order is taken out with refuse");
  }
  if (staged->phase == Phase::Held) return no(held_text(*staged));
  begin_phase(*staged, Phase::Undone, now, 0);
  staged->why = "undone by an operator";
  return next;
}

StageAnswer Stage::refuse(RefusedOrder refusal) const {
  if (refusal.order.empty()) return no("which order?");
  if (!is_code(refusal.code)) return no("code: a word of letters, digits and -, at most 32");
  if (refusal.why.empty() || refusal.why.size() > kMaxWhy) return no("why: a reason of at most 500 bytes");
  ApplyState next = state_;
  const auto same = [&](const RefusedOrder& r) { return r.feed == refusal.feed && r.order == refusal.order; };
  std::erase_if(next.refused, same);
  if (next.refused.size() + next.shadow.size() >= kMaxMarks) return no("too many refusals and shadows");
  next.refused.push_back(std::move(refusal));
  return next;
}

StageAnswer Stage::unrefuse(const std::string& feed, const std::string& order) const {
  ApplyState next = state_;
  if (std::erase_if(next.refused, [&](const auto& r) { return r.feed == feed && r.order == order; }) == 0) {
    return no(order + " of " + feed + " is not refused");
  }
  return next;
}

StageAnswer Stage::shadow(ShadowedOrder shadow, bool on) const {
  ApplyState next = state_;
  const auto gone =
      std::erase_if(next.shadow, [&](const auto& s) { return s.feed == shadow.feed && s.order == shadow.order; });
  if (!on && gone == 0) {
    return no((shadow.order.empty() ? "all" : shadow.order) + " of " + shadow.feed + " was not put in shadow");
  }
  if (next.refused.size() + next.shadow.size() >= kMaxMarks) return no("too many refusals and shadows");
  if (on) next.shadow.push_back(std::move(shadow));
  return next;
}

CompileMarks marks_of(const ApplyState& state, const fs::path& images) {
  CompileMarks marks;
  for (const RefusedOrder& r : state.refused) marks.refused.push_back({r.feed, r.order});
  for (const ShadowedOrder& s : state.shadow) marks.shadow.push_back({s.feed, s.order});
  for (const StagedApply& staged : state.staged) {
    if (!in_shadow(staged.phase)) continue;
    const fs::path base = staged.base.empty() ? fs::path() : images / (staged.base + ".img");
    std::error_code error;
    if (base.empty() || fs::exists(base, error)) marks.staged.push_back({staged.feed, base});
  }
  return marks;
}

std::set<std::string> bases_of(const ApplyState& state) {
  std::set<std::string> bases;
  for (const StagedApply& staged : state.staged) bases.insert(staged.base);
  bases.erase("");
  return bases;
}

}  // namespace sluice
