#include "control/ctl/referrals.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ctl/table.h"
#include "rules/text/json_writer.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxLedgerBytes = 256 * 1024 * 1024;

/// Nothing, with a complaint, where it cannot be read. One that does not exist is empty.
std::optional<std::vector<Referral>> read_ledger(const std::string& file) {
  if (!std::filesystem::exists(file)) return std::vector<Referral>();
  const auto text = read_regular_file(file, kMaxLedgerBytes);
  if (!text) return complain(file + ": " + text.error(), kAnswerIsNo), std::nullopt;
  auto read = file.ends_with(".csv") ? read_referrals_csv(*text) : read_referrals(*text);
  if (!read) return complain(to_string(read.error(), file), kAnswerIsNo), std::nullopt;
  return *std::move(read);
}

bool save(const std::string& file, const std::vector<Referral>& referrals) {
  return write_output(file, write_referrals(referrals), 0644, true);
}

void print_json(const std::vector<Referral>& referrals) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("platforms").begin_array();
  for (const PlatformFigures& p : figures_of(referrals)) {
    json.begin_object()
        .member("platform", p.platform)
        .member("identified", p.identified)
        .member("referred", p.referred);
    json.member("acted_on", p.acted_on).member("refused", p.refused).end_object();
  }
  json.end_array().end_object();
  std::cout << text << '\n';
}

}  // namespace

bool enter_referrals(const std::string& ledger, const std::vector<std::pair<std::string, std::string>>& found,
                     UnixSeconds now) {
  auto referrals = read_ledger(ledger);
  if (!referrals) return false;
  for (const auto& [target, order] : found) {
    const bool known = std::ranges::find(*referrals, target, &Referral::target) != referrals->end();
    const std::string platform = platform_of(target);
    if (known || platform.empty()) continue;  // an address is nobody's page
    put_referral(*referrals, {target, platform, order, ReferralState::Identified, now, now, {}});
  }
  return save(ledger, *referrals);
}

int run_referrals_add(const ReferralOptions& options, UnixSeconds now) {
  auto referrals = read_ledger(options.ledger);
  if (!referrals) return kAnswerIsNo;
  for (const std::string& target : options.targets) {
    const std::string platform = options.platform.empty() ? platform_of(target) : options.platform;
    if (platform.empty()) return complain(target + ": --platform: whose is it?", kBadCommandLine);
    put_referral(*referrals, {target, platform, options.order, ReferralState::Identified, now, now, options.note});
  }
  return save(options.ledger, *referrals) ? kFine : kAnswerIsNo;
}

int run_referrals_set(const ReferralOptions& options, UnixSeconds now) {
  auto referrals = read_ledger(options.ledger);
  if (!referrals) return kAnswerIsNo;
  const auto state = referral_state_from(options.state);
  if (!state) return complain("--state identified, referred, acted-on or refused", kBadCommandLine);
  for (const std::string& target : options.targets) {
    const auto at = std::ranges::find(*referrals, target, &Referral::target);
    if (at == referrals->end()) return complain(target + ": not in " + options.ledger, kAnswerIsNo);
    at->state = *state;
    at->changed = now;
    if (!options.note.empty()) at->note = options.note;
  }
  return save(options.ledger, *referrals) ? kFine : kAnswerIsNo;
}

int run_referrals_import(const ReferralOptions& options) {
  auto referrals = read_ledger(options.ledger);
  auto more = std::filesystem::exists(options.file) ? read_ledger(options.file) : std::nullopt;
  if (!referrals) return kAnswerIsNo;
  if (!more) return complain(options.file + ": not read", kAnswerIsNo);
  for (Referral& referral : *more) put_referral(*referrals, std::move(referral));
  return save(options.ledger, *referrals) ? kFine : kAnswerIsNo;
}

int run_referrals_list(const ReferralOptions& options) {
  const auto referrals = read_ledger(options.ledger);
  if (!referrals) return kAnswerIsNo;
  if (options.csv) {
    std::cout << write_referrals_csv(*referrals);
  } else if (options.json) {
    print_json(*referrals);
  } else {
    Table table({"PLATFORM", ">IDENTIFIED", ">REFERRED", ">ACTED ON", ">REFUSED"});
    for (const PlatformFigures& p : figures_of(*referrals)) {
      table.row(
          {printable(p.platform), grouped(p.identified), grouped(p.referred), grouped(p.acted_on), grouped(p.refused)});
    }
    std::cout << table.text();
  }
  return kFine;
}

}  // namespace sluice
