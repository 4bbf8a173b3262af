#include "rules/convert/referral.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "rules/convert/csv_records.h"
#include "rules/model/name.h"
#include "rules/text/json_fields.h"
#include "rules/text/json_writer.h"
#include "rules/text/public_suffix.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 4> kStates{"identified", "referred", "acted-on", "refused"};
constexpr std::string_view kHeading = "target,platform,order,state,identified,changed,note";
constexpr std::size_t kColumns = 7;

/// Its members as text, in the order of kHeading.
std::array<std::string, kColumns> texts_of(const Referral& r) {
  return {r.target,
          r.platform,
          r.order,
          std::string(to_string(r.state)),
          format_rfc3339(r.identified),
          format_rfc3339(r.changed),
          r.note};
}

/// An error for people, or nothing.
std::string from_texts(const std::vector<std::string>& texts, Referral& out) {
  if (texts.size() != kColumns) return "expected " + std::string(kHeading);
  const auto state = referral_state_from(texts[3]);
  const auto identified = parse_rfc3339(texts[4]), changed = parse_rfc3339(texts[5]);
  if (texts[0].empty() || texts[1].empty()) return "a target and a platform are required";
  if (!state) return "state: identified, referred, acted-on or refused";
  if (!identified || !changed) return "expected times like 2026-11-02T00:00:00Z";
  out = {texts[0], texts[1], texts[2], *state, *identified, *changed, texts[6]};
  return {};
}

/// A line's entry, in its place; a target that stands twice is an error.
Result<std::vector<Referral>, TextError> in_order(std::vector<std::pair<std::uint32_t, Referral>> read) {
  std::ranges::sort(read, {}, [](const auto& r) { return std::tie(r.second.target, r.first); });
  std::vector<Referral> out;
  for (auto& [line, referral] : read) {
    if (!out.empty() && out.back().target == referral.target) {
      return std::unexpected(TextError{line, 1, {}, referral.target + " stands twice"});
    }
    out.push_back(std::move(referral));
  }
  return out;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::vector<std::string> json_texts(JsonDocument& json, std::string_view line, std::uint32_t number) {
  constexpr std::array<std::string_view, kColumns> kKeys{"target",     "platform", "order", "state",
                                                         "identified", "changed",  "note"};
  std::vector<std::string> texts(kColumns);
  json.read(line, number, [&](std::string_view key, JsonDocument::Value& value) {
    const auto at = std::ranges::find(kKeys, key);
    if (at == kKeys.end()) return false;
    json.read_string(value, texts[static_cast<std::size_t>(at - kKeys.begin())]);
    return true;
  });
  return texts;
}

}  // namespace

std::string_view to_string(ReferralState state) noexcept {
  return kStates[static_cast<std::size_t>(state)];
}

std::optional<ReferralState> referral_state_from(std::string_view text) noexcept {
  const auto at = std::ranges::find(kStates, text);
  if (at == kStates.end()) return std::nullopt;
  return static_cast<ReferralState>(at - kStates.begin());
}

std::string platform_of(std::string_view target) {
  std::string_view host = target;
  if (const std::size_t scheme = host.find("://"); scheme != std::string_view::npos) host.remove_prefix(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  const auto name = canonical_name(host.substr(0, host.find(':')));
  return name.has_value() ? std::string(registrable_domain(name->text())) : std::string();
}

Result<std::vector<Referral>, TextError> read_referrals(std::string_view jsonl) {
  std::vector<std::pair<std::uint32_t, Referral>> read;
  JsonDocument json;
  for (std::uint32_t number = 1; !jsonl.empty(); ++number) {
    const std::size_t newline = jsonl.find('\n');
    const std::string_view line = jsonl.substr(0, newline);
    jsonl.remove_prefix(newline == std::string_view::npos ? jsonl.size() : newline + 1);
    if (line.empty()) continue;
    const std::vector<std::string> texts = json_texts(json, line, number);
    if (!json.ok()) return std::unexpected(json.error());
    Referral referral;
    if (std::string wrong = from_texts(texts, referral); !wrong.empty()) {
      return std::unexpected(TextError{number, 1, {}, std::move(wrong)});
    }
    read.emplace_back(number, std::move(referral));
  }
  return in_order(std::move(read));
}

std::string write_referrals(const std::vector<Referral>& referrals) {
  std::string out;
  for (const Referral& r : referrals) {
    JsonWriter json(out);
    json.begin_object().member("target", r.target).member("platform", r.platform).member_if("order", r.order);
    json.member("state", to_string(r.state)).member("identified", format_rfc3339(r.identified));
    json.member("changed", format_rfc3339(r.changed)).member_if("note", r.note).end_object();
    out += '\n';
  }
  return out;
}

Result<std::vector<Referral>, TextError> read_referrals_csv(std::string_view csv) {
  std::vector<std::pair<std::uint32_t, Referral>> read;
  CsvRecords records(csv, ',');
  std::vector<std::string> fields;
  std::uint32_t line = 0;
  for (bool first = true; records.next(fields, line); first = false) {
    Referral referral;
    if (first || (fields.size() == 1 && fields[0].empty())) continue;
    if (std::string wrong = from_texts(fields, referral); !wrong.empty()) {
      return std::unexpected(TextError{line, 1, {}, std::move(wrong)});
    }
    read.emplace_back(line, std::move(referral));
  }
  return in_order(std::move(read));
}

std::string write_referrals_csv(const std::vector<Referral>& referrals) {
  std::string out(kHeading);
  out += '\n';
  for (const Referral& r : referrals) {
    bool first = true;
    for (const std::string& text : texts_of(r)) {
      if (!std::exchange(first, false)) out += ',';
      out += csv_field(text);
    }
    out += '\n';
  }
  return out;
}

void put_referral(std::vector<Referral>& referrals, Referral referral) {
  const auto at = std::ranges::lower_bound(referrals, referral.target, {}, &Referral::target);
  if (at == referrals.end() || at->target != referral.target) {
    referrals.insert(at, std::move(referral));
  } else {
    referral.identified = at->identified;
    *at = std::move(referral);
  }
}

std::vector<PlatformFigures> figures_of(const std::vector<Referral>& referrals) {
  std::map<std::string, PlatformFigures> by_platform;
  for (const Referral& r : referrals) {
    PlatformFigures& figures = by_platform[r.platform];
    ++figures.identified;
    figures.referred += r.state != ReferralState::Identified;
    figures.acted_on += r.state == ReferralState::ActedOn;
    figures.refused += r.state == ReferralState::Refused;
  }
  std::vector<PlatformFigures> out;
  for (auto& [platform, figures] : by_platform) {
    figures.platform = platform;
    out.push_back(std::move(figures));
  }
  return out;
}

}  // namespace sluice
