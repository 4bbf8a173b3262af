#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/model/order.h"

namespace sluice {

/// An order that the operator does not carry out, with the reason that the log and the acknowledgement give.
struct RefusedOrder {
  std::string feed, order;
  std::string code;  ///< [A-Za-z][A-Za-z0-9-]{0,31}
  std::string why;   ///< 1 to 500 bytes of UTF-8
  UnixSeconds since = 0;
  std::uint64_t uid = 0;  ///< who asked for it
  friend bool operator==(const RefusedOrder&, const RefusedOrder&) = default;
};

/// An order, or, where `order` is empty, a feed that the operator has watched only.
struct ShadowedOrder {
  std::string feed, order;
  UnixSeconds since = 0;
  std::uint64_t uid = 0;
  friend bool operator==(const ShadowedOrder&, const ShadowedOrder&) = default;
};

/// Where the newest bundle of a feed is on its way. Without one, all of it is enforced for good.
enum class Phase : std::uint8_t {
  Soaking,  ///< what is new is in shadow, and is enforced at `until`
  Waiting,  ///< what is new is in shadow until an operator says so
  Watched,  ///< all of it is enforced; bad health undoes that up to `until`
  Undone,   ///< what is new is in shadow after bad health or `undo`, until an operator or the next bundle
  Held,     ///< what is new is in shadow, being too much at once (guard G7), until a bundle's header says why
};
[[nodiscard]] std::string_view to_string(Phase phase) noexcept;
/// True where what is new is in shadow.
[[nodiscard]] constexpr bool in_shadow(Phase phase) noexcept {
  return phase != Phase::Watched;
}

/// Parts in a million of the names that were read (blocked, observed) and of the packets received (dropped).
struct Shares {
  std::uint64_t blocked_ppm = 0, observed_ppm = 0, dropped_ppm = 0;
  friend bool operator==(const Shares&, const Shares&) = default;
};

struct StagedApply {
  std::string feed;
  Phase phase = Phase::Soaking;
  std::string base;            ///< SHA-256 of the image whose rules stood before; empty: nothing stood
  UnixSeconds since = 0;       ///< of the phase
  UnixSeconds until = 0;       ///< Soaking, Watched: when it goes on by itself
  UnixSeconds confirm_by = 0;  ///< Watched: without a confirmation by then it is undone; 0: none is asked for
  Shares before;               ///< as of the beginning of the phase
  std::string why;             ///< Undone: what was wrong
  friend bool operator==(const StagedApply&, const StagedApply&) = default;
};

/// What an operator said of orders, and what is on its way: all that the image depends on beside the bundles. Written
/// before it takes effect, so that a crash in between is made good by building the image again.
struct ApplyState {
  std::vector<RefusedOrder> refused;
  std::vector<ShadowedOrder> shadow;
  std::vector<StagedApply> staged;  ///< at most one a feed
  bool image_due = false;           ///< current.img may not say this yet
  friend bool operator==(const ApplyState&, const ApplyState&) = default;
};

/// nullptr where there is none.
[[nodiscard]] const StagedApply* find_staged(const ApplyState& state, std::string_view feed) noexcept;
[[nodiscard]] const RefusedOrder* find_refused(const ApplyState& state, std::string_view feed,
                                               std::string_view order) noexcept;

/// apply.json (docs/interfaces.md). The error is a line for people.
[[nodiscard]] std::string write_apply_state(const ApplyState& state);
[[nodiscard]] Result<ApplyState, std::string> read_apply_state(std::string_view text);

}  // namespace sluice
