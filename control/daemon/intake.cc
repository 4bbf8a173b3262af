#include "control/daemon/intake.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <system_error>

#include "control/daemon/image_file.h"
#include "control/journal/journal.h"
#include "rules/convert/rpz.h"
#include "rules/sign/digest.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxSignatureBytes = 16 << 10;

/// What sluice-compile may say of a feed's bundle itself ("compile-failed": such as a pattern that does not compile).
/// Anything else it says is trouble of its own, which may pass.
bool is_verdict_on_bundle(const std::string& code) {
  constexpr std::array<std::string_view, 17> kVerdicts{
      "compile-failed", "too-large",  "malformed",  "unsigned",     "half-signed", "bad-signature",
      "unknown-key",    "wrong-feed", "wrong-root", "expired",      "rollback",    "equivocation",
      "counts",         "unreadable", "delta-base", "delta-result", "fast-forward"};
  return std::ranges::find(kVerdicts, code) != kVerdicts.end();
}

/// What is missing is on our side, and may pass without the inbox changing.
bool is_our_trouble(const Refusal& refusal) {
  return refusal.code == "compile-failed" || refusal.code == "unreadable" || refusal.code == "log-failed";
}

/// Of feeds without a bundle there is nothing to mark.
CompileMarks marks_for(const std::vector<CompileInput>& inputs, CompileMarks marks) {
  const auto absent = [&](const auto& mark) {
    return std::ranges::find(inputs, mark.feed, &CompileInput::feed) == inputs.end();
  };
  std::erase_if(marks.refused, absent);
  std::erase_if(marks.shadow, absent);
  std::erase_if(marks.staged, absent);
  return marks;
}

}  // namespace

Intake::Intake(const Config& config, const Guard& guard, Store& store, Alarms& alarms, Inbox& inbox, Ledger& ledger,
               Publish publish, int cancel_fd)
    : config_(config),
      guard_(guard),
      store_(store),
      alarms_(alarms),
      inbox_(inbox),
      ledger_(ledger),
      publish_(std::move(publish)),
      cancel_fd_(cancel_fd),
      memory_{[this](const std::string& feed) { return store_.state(feed); },
              [this](const std::string& feed) { return store_.roots_folder(feed); },
              [this](const FeedState& state) { return store_.files(state).bundle; }},
      stage_(store.apply_file(), store.disk(), config) {
  for (const FeedConfig& feed : config_.feeds) view_.feeds.push_back({feed.feed, feed.policy, {}, {}, {}, {}});
  show();
}

void Intake::recover(UnixSeconds now) {
  now_ns_ = now * 1'000'000'000;
  for (FeedView& feed : view_.feeds) load_feed(feed, now);
  const bool opened = open_current(now);
  show();  // what stands is known, whatever sluice-compile lets us wait for below
  if (!stage_.trouble().empty()) alarms_.raise("unreadable", "", stage_.trouble(), now);
  (void)log_standing(now);  // what stood before there was a log
  resume_staged(now);
  if (!opened || !image_matches_state() || stage_.state().image_due) rebuild(now);
  show();
}

/// A crash may have come after sluice-compile took a bundle and before we did: sluice-compile then refuses the one
/// before, as a rollback. What was staged is judged like any arrival, and taken up if it is newer than what stands.
void Intake::resume_staged(UnixSeconds now) {
  const fs::path staged = store_.staging();
  if (!fs::exists(staged / "bundle.jsonl")) return;
  try {
    auto examined = examine(bundle_files_in(staged), config_, now, memory_, guard_);
    if (!examined || examined->unchanged) return;
    if (examined->applied) store_.stage_result(*examined->applied);
    const StagedApply* const begun = find_staged(stage_.state(), examined->header.feed);
    hold_ = stage_.state().image_due && begun != nullptr && in_shadow(begun->phase);
    ApplyState apply = arrival_of(*examined);
    hold_ = false;
    if (const auto compiled = compile_with(examined->header.feed, staged, apply)) {
      log(LogLevel::Notice, "taking up what a crash left", {{"feed", examined->header.feed}});
      compare_refused(compiled->refused, &*examined, now);
      const auto& guarded = examined->guarded.refusals;
      if (!log_before(examined->header, examined->sha256, staged / "bundle.jsonl", apply, guarded, now)) return;
      stage_.put(std::move(apply));
      keep(*std::move(examined), staged, compiled->image);
    }
  } catch (const std::exception& e) {
    log(LogLevel::Warning, "what a crash left is not taken up", {{"detail", e.what()}});
  }
}

/// The last good bundle as it lies on disk. One that does not verify any more is an alarm; what is in current.img
/// stays, and epoch and seq go on counting.
void Intake::load_feed(FeedView& feed, UnixSeconds now) {
  try {
    feed.state = store_.state(feed.feed);
    if (!feed.state) return;
    auto examined = examine_standing(*feed.state, store_.files(*feed.state), config_, now, memory_, guard_);
    if (!examined) {
      alarms_.raise(examined.error().code, feed.feed, "the last good bundle: " + examined.error().detail, now);
    } else {
      feed.header = examined->header;
      feed.orders = std::move(examined->orders);
      feed.refused = std::move(examined->guarded.refusals);
      tell_guards(feed, now);
    }
  } catch (const std::exception& e) {
    alarms_.raise("unreadable", feed.feed, e.what(), now);
  }
}

FeedView& Intake::feed_view(const std::string& feed) {
  return *std::ranges::find(view_.feeds, feed, &FeedView::feed);
}

bool Intake::image_matches_state() const {
  if (view_.rules == nullptr) return false;
  std::size_t with_state = 0;
  for (const FeedView& feed : view_.feeds) {
    if (!feed.state) continue;
    ++with_state;
    const bool found = std::ranges::any_of(view_.rules->feeds(), [&](const ImageFeed& f) {
      return f.name == feed.feed && f.epoch == feed.state->epoch && f.seq == feed.state->seq &&
             to_hex(f.snapshot_sha256) == feed.state->sha256;
    });
    if (!found) return false;
  }
  return with_state == view_.rules->feeds().size();
}

Result<Compiled, CompileError> Intake::compile_with(const std::string& feed, const fs::path& staged,
                                                    const ApplyState& apply) const {
  std::vector<CompileInput> inputs;
  for (const FeedView& f : view_.feeds) {
    if (f.feed != feed && !f.state) continue;
    BundleFiles files = f.feed == feed ? bundle_files_in(staged) : store_.files(*f.state);
    inputs.push_back({f.feed, std::move(files.bundle), std::move(files.signatures), std::move(files.delta), {}});
    for (BundleFiles& root : store_.roots(f.feed)) {
      inputs.back().roots.push_back({std::move(root.bundle), std::move(root.signatures)});
    }
  }
  return compile(config_.compile_socket, inputs, store_.images(), kCompileTimeout, cancel_fd_,
                 marks_for(inputs, marks_of(apply, store_.images())));
}

/// Builds the image of what stands: at start, or when it is missing or stale.
void Intake::rebuild(UnixSeconds now) {
  rebuild_due_ = false;
  rebuild_tried_ = now;
  if (std::ranges::none_of(view_.feeds, [](const FeedView& f) { return f.state.has_value(); })) return;
  if (!log_standing(now)) {
    rebuild_due_ = true;
    return;
  }
  const auto compiled = compile_standing();
  if (!compiled) {
    const CompileError& error = compiled.error();
    rebuild_due_ = true;
    // Of no feed, whosever fault it is: so it is over with the first image that can be built.
    alarms_.raise("compile-failed", "",
                  error.feed + (error.feed.empty() ? "" : ": ") + error.code + ": " + error.detail, now);
    return;
  }
  compare_refused(compiled->refused, nullptr, now);
  rebuild_due_ = !activate(compiled->image, now);
  if (!rebuild_due_) alarms_.clear("compile-failed", "");
}

/// What stands, compiled again. What lies on disk may have been damaged meanwhile: that is an error like any other.
Result<Compiled, CompileError> Intake::compile_standing() const {
  try {
    return compile_with("", {}, stage_.state());
  } catch (const std::exception& e) {
    return std::unexpected(CompileError{false, "", "unreadable", e.what()});
  }
}

bool Intake::activate(const fs::path& image, UnixSeconds now) {
  try {
    store_.activate(image, bases_of(stage_.state()));
  } catch (const std::system_error& e) {
    alarms_.raise("compile-failed", "", e.what(), now);
    return false;
  }
  if (!open_current(now)) return false;
  image_made();
  tell_stages(now);
  return true;
}

/// Opens current.img just as the data plane does, so that `why` says what workers do.
bool Intake::open_current(UnixSeconds now) {
  std::error_code missing;
  if (!fs::exists(store_.current_image(), missing)) return false;
  try {
    const fs::path path = fs::canonical(store_.current_image());
    const auto key = read_image_key(config_.image_key);
    if (!key) throw std::runtime_error(config_.image_key + ": not a key of 64 hex digits");
    auto rules = RuleSet::open(read_image(path), *key, 1);
    if (!rules) {
      alarms_.raise("image-rejected", "", path.string() + ": " + std::string(to_string(rules.error())), now);
      return false;
    }
    view_.rules = *std::move(rules);
    view_.image_path = path.string();
    view_.image_sha256 = to_hex(view_.rules->image_sha256());
    note_held_back();
    alarms_.clear("image-rejected", "");  // a data plane that refuses it raises it again
    publish_.image(path, view_.image_sha256);
    return true;
  } catch (const std::exception& e) {
    alarms_.raise("image-rejected", "", e.what(), now);
    return false;
  }
}

std::vector<Outcome> Intake::take_up(std::int64_t now_ns, bool patient) {
  std::vector<Outcome> outcomes;
  now_ns_ = now_ns;
  settling_ = false;
  view_.waiting.clear();
  try {
    const std::vector<Arrival> arrivals = inbox_.scan();
    std::erase_if(pending_, [&](const auto& p) {
      return std::ranges::none_of(arrivals, [&](const Arrival& a) { return a.name() == p.first; });
    });
    for (const Arrival& arrival : arrivals) {
      if (auto outcome = take_up_one(arrival, patient)) outcomes.push_back(*std::move(outcome));
    }
  } catch (const std::exception& e) {
    alarms_.raise("unreadable", "", std::string("inbox: ") + e.what(), now());
  }
  show();
  return outcomes;
}

bool Intake::looked_at_already(const Arrival& arrival) const {
  const auto it = pending_.find(arrival.name());
  if (it == pending_.end() || it->second.stale || it->second.fingerprint != arrival.fingerprint) return false;
  return !is_our_trouble(it->second.refusal) || now_ns_ - it->second.looked_ns < kRetryNs;
}

std::optional<Outcome> Intake::take_up_one(const Arrival& arrival, bool patient) {
  if (patient && looked_at_already(arrival)) {
    wait_for_more(arrival, patient);
    return {};
  }
  if (patient && arrival.newest_ns + Inbox::kQuietNs > now_ns_) {
    settling_ = true;
    return {};
  }
  Outcome outcome;
  try {
    outcome = try_bundle(arrival);
  } catch (const std::system_error& e) {
    if (e.code() == std::errc::file_too_large) {
      outcome = refuse(arrival, {"too-large", "", e.what(), false});
    } else {
      outcome = refuse(arrival, {"unreadable", "", e.what(), true});  // a full disk, say: no fault of the bundle
    }
  } catch (const std::exception& e) {
    outcome = refuse(arrival, {"unreadable", "", e.what(), true});
  }
  if (pending_.contains(arrival.name())) wait_for_more(arrival, patient);
  log(outcome.good() ? LogLevel::Notice : LogLevel::Warning, "bundle",
      {{"bundle", outcome.bundle},
       {"outcome", outcome.outcome},
       {"feed", outcome.feed},
       {"epoch", std::to_string(outcome.epoch)},
       {"seq", std::to_string(outcome.seq)},
       {"detail", outcome.detail}});
  return outcome;
}

Outcome Intake::try_bundle(const Arrival& arrival) {
  // Without a signature it may well be half an upload: it is not even read.
  if (arrival.signatures.empty()) return refuse(arrival, {"unsigned", "", "no signature has arrived", true});
  // Into a folder of our own first: what is judged is what is kept, whoever writes to the inbox meanwhile.
  const fs::path staged = store_.stage();
  copy_in(arrival.bundle, staged / "bundle.jsonl", config_.limits.bytes);
  for (std::size_t i = 0; i < arrival.signatures.size(); ++i) {
    copy_in(arrival.signatures[i], staged / (std::to_string(i) + ".minisig"), kMaxSignatureBytes);
  }
  if (arrival.is_root()) return try_root(arrival, staged);
  auto examined = examine(bundle_files_in(staged), config_, now(), memory_, guard_);
  if (!examined) return refuse(arrival, examined.error());
  if (examined->applied) store_.stage_result(*examined->applied);
  const FeedView& feed = feed_view(examined->header.feed);
  if (examined->unchanged && !feed.orders.empty()) {
    pending_.erase(arrival.name());
    inbox_.settle(arrival, Inbox::Fate::Accepted, "");
    return {arrival.name(), "unchanged", examined->header.feed, "", examined->header.epoch, examined->header.seq};
  }
  return accept(arrival, *std::move(examined), staged);
}

Outcome Intake::accept(const Arrival& arrival, Examined&& examined, const fs::path& staged) {
  const SnapshotHeader& header = examined.header;
  ApplyState apply = arrival_of(examined);
  const auto compiled = compile_with(header.feed, staged, apply);
  if (!compiled) {
    const CompileError& error = compiled.error();
    const bool final = error.answered && error.feed == header.feed && is_verdict_on_bundle(error.code);
    const std::string detail = error.answered ? "sluice-compile: " + error.code + ": " + error.detail : error.detail;
    Outcome outcome = refuse(arrival, {"compile-failed", header.feed, detail, !final});
    outcome.epoch = header.epoch;
    outcome.seq = header.seq;
    return outcome;
  }
  compare_refused(compiled->refused, &examined, now());
  const auto& guarded = examined.guarded.refusals;
  if (const auto logged = log_before(header, examined.sha256, staged / "bundle.jsonl", apply, guarded, now());
      !logged) {
    return refuse(arrival, {"log-failed", header.feed, logged.error(), true});
  }
  std::string signers;
  for (const std::string& signer : examined.signers) signers += (signers.empty() ? "signed by " : ", ") + signer;
  const Outcome outcome{arrival.name(), "accepted", header.feed, signers, header.epoch, header.seq};
  stage_.put(std::move(apply));
  keep(std::move(examined), staged, compiled->image);
  pending_.erase(arrival.name());
  inbox_.settle(arrival, Inbox::Fate::Accepted, "");
  return outcome;
}

/// The commit, and then the new image.
void Intake::keep(Examined&& examined, const fs::path& staged, const fs::path& image) {
  const SnapshotHeader& header = examined.header;
  const FeedState state{header.feed, header.epoch, header.seq, examined.sha256, now(), header.root};
  remember_prior(header.feed);
  store_.keep(state, staged);  // from here on this snapshot stands
  FeedView& feed = feed_view(header.feed);
  feed.state = state;
  feed.header = header;
  feed.orders = std::move(examined.orders);
  feed.refused = std::move(examined.guarded.refusals);
  std::erase_if(told_, [&](const auto& told) { return told.second == header.feed; });
  alarms_.superseded(header.feed);
  tell_guards(feed, now());
  look_again();
  rebuild_due_ = !activate(image, now());
}

Outcome Intake::refuse(const Arrival& arrival, const Refusal& refusal) {
  const bool hopeless = !is_our_trouble(refusal) && arrival.newest_ns + kWaitNs <= now_ns_;
  if (overtaken(arrival, refusal)) return settle_overtaken(arrival, refusal);
  if (refusal.may_complete && !hopeless) {
    Pending& pending = pending_[arrival.name()];
    const bool same = pending.fingerprint == arrival.fingerprint && pending.refusal.code == refusal.code;
    pending = {arrival.fingerprint, now_ns_, refusal, same && pending.alarmed};
  } else {
    pending_.erase(arrival.name());
    alarms_.raise(refusal.code, refusal.feed, arrival.name() + ": " + refusal.detail, now());
    inbox_.settle(arrival, Inbox::Fate::Rejected, refusal.code + ": " + refusal.detail);
  }
  return {arrival.name(), refusal.code, refusal.feed, refusal.detail, 0, 0};
}

void Intake::wait_for_more(const Arrival& arrival, bool patient) {
  Pending& pending = pending_.at(arrival.name());
  const Refusal& refusal = pending.refusal;
  view_.waiting.push_back({arrival.name(), refusal.code, refusal.detail});
  const bool due = !patient || is_our_trouble(refusal) || arrival.newest_ns + kSettleNs <= now_ns_;
  if (pending.alarmed || !due) return;
  pending.alarmed = true;
  alarms_.raise(refusal.code, refusal.feed, arrival.name() + ": " + refusal.detail, now());
}

Result<std::string, std::string> Intake::export_rpz(const Name& zone, UnixSeconds now) const try {
  std::vector<Feed> feeds;
  for (const FeedView& f : view_.feeds) {
    if (!f.state) continue;
    auto snapshot = read_standing(*f.state, store_.files(*f.state), config_, now, memory_);
    if (!snapshot) return std::unexpected(snapshot.error().code + ": " + snapshot.error().detail);
    feeds.push_back({*std::move(snapshot), f.policy, {}});
    for (const GuardRefusal& refusal : f.refused) feeds.back().refused.insert(refusal.order);
    hold_back_staged(feeds.back());
  }
  return write_rpz(feeds, {zone, now}).text;
} catch (const std::exception& e) {
  return std::unexpected(std::string(e.what()));  // such as the folder of a bundle that is gone
}

void Intake::look_at_clock(std::int64_t realtime_ns, std::int64_t boottime_ns) {
  const auto step_ns = clock_.look(realtime_ns, boottime_ns);
  if (!step_ns) return;
  const std::int64_t seconds = *step_ns / 1'000'000'000;
  alarms_.raise("clock-step", "",
                "the clock was put " + std::string(seconds > 0 ? "forward" : "back") + " by " +
                    std::to_string(std::abs(seconds)) + " s: orders begin and end by it",
                realtime_ns / 1'000'000'000);
}

void Intake::tick(UnixSeconds now) {
  ledger_.tick(now);
  if (rebuild_due_ && now - rebuild_tried_ >= kRetryNs / 1'000'000'000) {
    rebuild(now);
    show();
  }
  follow_stages(now);
  watch_freshness(now);
}

void Intake::show() {
  view_.apply = stage_.state();
  publish_.rules(view_);
}

}  // namespace sluice
