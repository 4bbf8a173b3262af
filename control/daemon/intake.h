#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "control/daemon/clock_watch.h"
#include "control/daemon/ledger.h"
#include "control/daemon/view.h"
#include "control/feed/inbox.h"
#include "control/publish/compile_client.h"
#include "control/stage/stage.h"
#include "control/store/alarms.h"
#include "control/store/store.h"
#include "control/verify/examine.h"
#include "rules/text/config.h"

namespace sluice {

/// What became of one bundle.
struct Outcome {
  std::string bundle;   ///< file name
  std::string outcome;  ///< "accepted", "unchanged", or an error code of docs/interfaces.md
  std::string feed, detail;
  std::uint64_t epoch = 0, seq = 0;
  [[nodiscard]] bool good() const { return outcome == "accepted" || outcome == "unchanged"; }
};

/// An order's way from the inbox to current.img. Blocking; used by one thread alone. Only what sluice-compile made an
/// image of is logged, only what is in the log is kept as the last good bundle, and only then does current.img change:
/// whatever fails on the way, the last good rules stay.
class Intake {
 public:
  struct Publish {
    std::function<void(const RulesView&)> rules;                                         ///< a new view
    std::function<void(const std::filesystem::path&, const std::string& sha256)> image;  ///< a new current.img
    std::function<HealthSample()> health{};                                              ///< of the data plane, now
  };
  /// `cancel_fd` becomes readable when the program ends.
  Intake(const Config& config, const Guard& guard, Store& store, Alarms& alarms, Inbox& inbox, Ledger& ledger,
         Publish publish, int cancel_fd);

  /// At start: reads what stands, and makes current.img say the same (a crash may have come between the two).
  void recover(UnixSeconds now);
  /// Takes up what is in the inbox at `now_ns` (CLOCK_REALTIME). `patient`: files that may still be growing are left to
  /// a later call, what was looked at and lacks something is not looked at again before it changes, and what it lacks
  /// becomes an alarm only after kSettleNs. Never throws for what a bundle holds.
  std::vector<Outcome> take_up(std::int64_t now_ns, bool patient);
  /// The same, with what is new in shadow first, whatever a feed's policy.
  std::vector<Outcome> take_up_staged(std::int64_t now_ns);
  /// Puts an operator's word into force: saved first, then an image is built that says so. Where that fails the word
  /// stands and the image follows as soon as it can be built. The error is a line for people; Nothing has changed then.
  Result<void, std::string> change(const std::function<StageAnswer(const Stage&)>& how, UnixSeconds now);
  [[nodiscard]] HealthSample health() const { return publish_.health ? publish_.health() : HealthSample{}; }
  /// True where current.img says all that was asked for.
  [[nodiscard]] bool image_is_current() const noexcept { return !rebuild_due_; }
  /// GET /v1/diff of these feeds; empty: all.
  [[nodiscard]] Result<std::string, std::string> diff(const std::string& feed) const;
  /// What stands, as a response policy zone; the error is one line.
  [[nodiscard]] Result<std::string, std::string> export_rpz(const Name& zone, UnixSeconds now) const;
  /// To be called every second or so with CLOCK_REALTIME and CLOCK_BOOTTIME: a clock that was set is an alarm, until
  /// the next good bundle.
  void look_at_clock(std::int64_t realtime_ns, std::int64_t boottime_ns);
  /// What time alone changes: bundles that expire, an image that could not be built yet.
  void tick(UnixSeconds now);
  /// True where files may still be growing, and want another call of take_up() soon.
  [[nodiscard]] bool settling() const noexcept { return settling_; }
  /// True where a bundle lacks something, and wants another call of take_up() some time.
  [[nodiscard]] bool waiting() const noexcept { return !pending_.empty(); }
  [[nodiscard]] const RulesView& view() const noexcept { return view_; }

  static constexpr std::int64_t kSettleNs = 10'000'000'000;
  static constexpr std::int64_t kWaitNs = 86'400'000'000'000;  ///< then what is missing does not come any more
  static constexpr std::int64_t kRetryNs = 5'000'000'000;      ///< between attempts while the trouble is ours

 private:
  /// A bundle that lacks something: what, when that was found, and of which state of its files.
  struct Pending {
    std::uint64_t fingerprint = 0;
    std::int64_t looked_ns = 0;
    Refusal refusal;
    bool alarmed = false;
    bool stale = false;  ///< something came that it may have waited for
  };
  std::optional<Outcome> take_up_one(const Arrival& arrival, bool patient);
  Outcome try_bundle(const Arrival& arrival);
  Outcome try_root(const Arrival& arrival, const std::filesystem::path& staged);
  void look_again();
  [[nodiscard]] bool overtaken(const Arrival& arrival, const Refusal& refusal) const;
  Outcome settle_overtaken(const Arrival& arrival, const Refusal& refusal);
  void watch_freshness(UnixSeconds now);
  void watch_freshness(const FeedView& feed, UnixSeconds now);
  Outcome accept(const Arrival& arrival, Examined&& examined, const std::filesystem::path& staged);
  Result<void, std::string> log_before(const SnapshotHeader& header, const std::string& sha256,
                                       const std::filesystem::path& bundle, const ApplyState& apply,
                                       std::span<const GuardRefusal> guarded, UnixSeconds now);
  Result<void, std::string> log_standing(UnixSeconds now);
  void keep(Examined&& examined, const std::filesystem::path& staged, const std::filesystem::path& image);
  void resume_staged(UnixSeconds now);
  Outcome refuse(const Arrival& arrival, const Refusal& refusal);
  void wait_for_more(const Arrival& arrival, bool patient);
  [[nodiscard]] bool looked_at_already(const Arrival& arrival) const;
  Result<Compiled, CompileError> compile_with(const std::string& feed, const std::filesystem::path& staged,
                                              const ApplyState& apply) const;
  void remember_prior(const std::string& feed);
  void note_held_back();
  [[nodiscard]] ApplyState arrival_of(const Examined& examined);
  [[nodiscard]] std::optional<std::string> too_much_churn(const Examined& examined) const;
  void tell_guards(const FeedView& feed, UnixSeconds now);
  void compare_refused(std::uint64_t compiled, const Examined* arrival, UnixSeconds now);
  void image_made();
  void follow_stages(UnixSeconds now);
  void tell_stages(UnixSeconds now);
  void hold_back_staged(Feed& feed) const;
  [[nodiscard]] Result<Compiled, CompileError> compile_standing() const;
  void rebuild(UnixSeconds now);
  bool activate(const std::filesystem::path& image, UnixSeconds now);
  bool open_current(UnixSeconds now);
  [[nodiscard]] bool image_matches_state() const;
  void load_feed(FeedView& feed, UnixSeconds now);
  FeedView& feed_view(const std::string& feed);
  void show();
  [[nodiscard]] UnixSeconds now() const noexcept { return now_ns_ / 1'000'000'000; }

  static constexpr std::chrono::milliseconds kCompileTimeout{300'000};

  const Config& config_;
  const Guard& guard_;
  Store& store_;
  Alarms& alarms_;
  Inbox& inbox_;
  Ledger& ledger_;
  Publish publish_;
  int cancel_fd_;
  Memory memory_;
  RulesView view_;
  std::map<std::string, Pending> pending_;  ///< by bundle name
  std::int64_t now_ns_ = 0;                 ///< of the current call of take_up()
  UnixSeconds rebuild_tried_ = 0;
  std::set<std::pair<std::string, std::string>> told_;  ///< (code, feed) of alarms that time alone raised
  Stage stage_;
  ClockWatch clock_;
  bool settling_ = false;
  bool hold_ = false;                ///< take_up_staged()
  std::set<std::string> held_back_;  ///< feeds of which the image has something in shadow
  bool rebuild_due_ = false;
};

}  // namespace sluice
