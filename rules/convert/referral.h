#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/text/text_error.h"

namespace sluice {

/// What became of a page or account that no order can block by name.
enum class ReferralState : std::uint8_t {
  Identified,  ///< found, nothing done yet
  Referred,    ///< the platform was told
  ActedOn,     ///< the platform removed or restricted it
  Refused,     ///< the platform did not
};
[[nodiscard]] std::string_view to_string(
    ReferralState state) noexcept;  ///< "identified", "referred", "acted-on", "refused"
[[nodiscard]] std::optional<ReferralState> referral_state_from(std::string_view text) noexcept;

/// One entry of the referral ledger, a file of the authority.
struct Referral {
  std::string target;    ///< URL or account, as it was written; the key of the ledger
  std::string platform;  ///< "youtube.com"
  std::string order;     ///< of the order or list that named it; may be empty
  ReferralState state = ReferralState::Identified;
  UnixSeconds identified = 0, changed = 0;
  std::string note;
  friend bool operator==(const Referral&, const Referral&) = default;
};

/// Whose page or account it is: the registrable domain of the host, or what stands behind the "@"; empty where neither
/// can be told.
[[nodiscard]] std::string platform_of(std::string_view target);

/// The ledger: JSON Lines, ascending by target. Strict: unknown fields, a target twice are errors with their line.
[[nodiscard]] Result<std::vector<Referral>, TextError> read_referrals(std::string_view jsonl);
[[nodiscard]] std::string write_referrals(const std::vector<Referral>& referrals);

/// The same as CSV (RFC 4180) with the heading target,platform,order,state,identified,changed,note.
[[nodiscard]] Result<std::vector<Referral>, TextError> read_referrals_csv(std::string_view csv);
[[nodiscard]] std::string write_referrals_csv(const std::vector<Referral>& referrals);

/// Puts one in: where its target stands already it is replaced, but for the time when it was identified.
void put_referral(std::vector<Referral>& referrals, Referral referral);

/// Figures of a platform, as reports give them.
struct PlatformFigures {
  std::string platform;
  std::uint64_t identified = 0;  ///< all of them
  std::uint64_t referred = 0;    ///< of these: told to the platform, whatever came of it
  std::uint64_t acted_on = 0, refused = 0;
};
/// Ascending by platform.
[[nodiscard]] std::vector<PlatformFigures> figures_of(const std::vector<Referral>& referrals);

}  // namespace sluice
