#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rules/convert/referral.h"

namespace sluice {

// The referral ledger of an authority (rules/convert/referral.h). Each returns the exit code of docs/interfaces.md.

struct ReferralOptions {
  std::string ledger;  ///< JSON Lines; made where it does not exist
  std::vector<std::string> targets;
  std::string order, platform, state, note;
  std::string file;  ///< of import: CSV where it ends in .csv, else JSON Lines
  bool csv = false, json = false;
};
int run_referrals_add(const ReferralOptions& options, UnixSeconds now);
int run_referrals_set(const ReferralOptions& options, UnixSeconds now);
int run_referrals_import(const ReferralOptions& options);
/// The figures of each platform; with `csv` every entry instead.
int run_referrals_list(const ReferralOptions& options);

/// Enters what a check or an import found: targets, each with the order that named it. False, with a complaint, where
/// the ledger cannot be read or written.
bool enter_referrals(const std::string& ledger, const std::vector<std::pair<std::string, std::string>>& found,
                     UnixSeconds now);

}  // namespace sluice
