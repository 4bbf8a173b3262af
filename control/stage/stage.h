#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/publish/compile_client.h"
#include "control/stage/apply_state.h"
#include "control/stage/health_gate.h"
#include "control/store/disk.h"
#include "rules/text/config.h"

namespace sluice {

/// What an operator asks for; the error is a line for people.
using StageAnswer = Result<ApplyState, std::string>;

/// Staged apply (feed.md 3, G9) and the operator's own word on orders: which state follows upon which. Whoever holds it
/// saves the next state with put(), then has the image built, then says image_made(): wherever that is cut off, state()
/// says what is wanted and that the image is due. An undo puts in shadow what a bundle brought, and never takes away
/// what stood before: that is what sluice-compile makes of a stage.
class Stage {
 public:
  static constexpr std::size_t kMaxMarks = 256;  ///< refusals and shadows: a request to sluice-compile is one packet

  /// Reads `file`; where it cannot be read, trouble() says why, and all orders are enforced.
  Stage(std::filesystem::path file, Disk& disk, const Config& config);

  [[nodiscard]] const ApplyState& state() const noexcept { return state_; }
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

  /// Durable when it returns, with image_due; throws std::system_error, and then the state is the one before.
  void put(ApplyState next);
  /// The image says what state() says. `held_back`: the feeds of which it has something in shadow; a stage that holds
  /// nothing back is over.
  void image_made(const std::set<std::string>& held_back);

  /// A bundle of this feed is about to stand, where the image `base` stood; `hold`: in shadow first, whatever the
  /// feed's policy.
  [[nodiscard]] ApplyState arrival(const std::string& feed, const std::string& base, const HealthSample& health,
                                   UnixSeconds now, bool hold) const;

  /// The same where too much changes at once (guard G7): what is new waits for a bundle whose header says why, and no
  /// operator can enforce it before.
  [[nodiscard]] ApplyState held(const std::string& feed, const std::string& base, const HealthSample& health,
                                UnixSeconds now, std::string why) const;

  /// What time and health bring about; nothing where that is nothing.
  struct Step {
    ApplyState next;
    std::string feed, undone;  ///< why the feed was undone; empty: it was not
    bool image_changes = false;
  };
  [[nodiscard]] std::optional<Step> advance(const HealthSample& health, UnixSeconds now);

  /// Enforces what the feed holds back, and watches it; with `within_s`, undone where nobody confirms it by then.
  [[nodiscard]] StageAnswer enforce(const std::string& feed, const HealthSample& health, UnixSeconds now,
                                    UnixSeconds within_s) const;
  /// Enforces it for good.
  [[nodiscard]] StageAnswer confirm(const std::string& feed) const;
  /// Puts what the feed's last bundle brought in shadow, until an operator says otherwise or the next one comes.
  [[nodiscard]] StageAnswer undo(const std::string& feed, UnixSeconds now) const;

  [[nodiscard]] StageAnswer refuse(RefusedOrder refusal) const;
  [[nodiscard]] StageAnswer unrefuse(const std::string& feed, const std::string& order) const;
  [[nodiscard]] StageAnswer shadow(ShadowedOrder shadow, bool on) const;

 private:
  std::filesystem::path file_;
  Disk* disk_;
  const Config& config_;
  ApplyState state_;
  std::string trouble_;
  HealthGate gate_;
};

/// What sluice-compile is to be told. Of a stage whose base is not in `images` any more nothing is held back: no lawful
/// order waits because a file was lost.
[[nodiscard]] CompileMarks marks_of(const ApplyState& state, const std::filesystem::path& images);
/// SHA-256 of the images that stages rest on.
[[nodiscard]] std::set<std::string> bases_of(const ApplyState& state);

}  // namespace sluice
