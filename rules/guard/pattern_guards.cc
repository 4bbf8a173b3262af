#include "rules/guard/pattern_guards.h"

#include <utility>

#include "rules/guard/address_shape.h"
#include "rules/guard/pattern_scan.h"
#include "rules/image/pattern_db.h"
#include "rules/text/pattern.h"
#include "rules/text/public_suffix.h"

namespace sluice {
namespace {

constexpr std::string_view kNarrower = "make it narrower, or list the names that the decision names";

/// What a scan of the lists found of one pattern: the first name of each kind.
struct Hits {
  std::string suffix, protected_name;
  Blast blast;
};

std::string counted(const Blast& blast) {
  std::string out = "matches " + std::to_string(blast.popular) + " popular and " + std::to_string(blast.ordinary) +
                    " ordinary names, such as ";
  for (std::size_t i = 0; i < blast.examples.size(); ++i) out += (i == 0 ? "" : ", ") + blast.examples[i];
  return out;
}

void add_findings(PatternVerdict& verdict, Hits&& hits) {
  const auto find = [&](const char* code, std::string detail, std::string_view instead) {
    verdict.findings.push_back({code, std::move(detail), std::string(instead)});
  };
  if (!hits.suffix.empty()) find("G1", "matches " + hits.suffix + ", a public suffix", kNarrower);
  if (!hits.protected_name.empty()) find("G2", "would block " + hits.protected_name, kNarrower);
  if (hits.blast.popular + hits.blast.ordinary > 0) {
    find("G6", counted(hits.blast),
         std::string(kNarrower) + "; where the decision names the pattern: overrides: [{guard: G6, why: …}]");
  }
  verdict.blast = std::move(hits.blast);
}

}  // namespace

void PatternGuards::add(std::size_t order, std::size_t target, const std::string& pattern, bool g5_overridden) {
  added_.push_back({order, target, pattern, g5_overridden});
}

/// Whatever it matches ends in these: if they lie in somebody's subtree, so does all of it.
void PatternGuards::judge_endings(const Added& added, PatternVerdict& verdict) const {
  for (const std::string& text : pattern_endings(added.pattern)) {
    const std::string ending = text.substr(text.starts_with('.') ? 1 : 0);
    std::uint32_t protected_by = 0;
    guard_.index().each_suffix(ending, [&](const NameFacts& facts) {
      if (facts.protected_by == 0) return;
      if (guard_.lists().protected_names[facts.protected_by - 1].scope == Scope::Subtree)
        protected_by = facts.protected_by;
    });
    if (protected_by != 0) {
      verdict.findings.push_back({"G2", "would block names below " + guard_.protected_text(protected_by),
                                  "take it out: no order can override this guard"});
    }
    if (std::string shape = address_shape(ending); !shape.empty()) {
      verdict.findings.push_back({"G4", std::move(shape), std::string(kNarrower)});
    }
    const ListedAncestor listed = listed_ancestor(guard_, ending);
    if (listed.facts != nullptr && !added.g5_overridden) {
      verdict.findings.push_back(
          {"G5", "below " + listed.facts->name + (listed.facts->platform ? ", a shared platform" : ", popular"),
           "ask the platform to remove the accounts or pages (sluicectl referrals); where the decision names the "
           "pattern: overrides: [{guard: G5, why: …}]"});
    }
  }
}

void PatternGuards::scan(std::vector<PatternVerdict>& verdicts, const std::set<std::string>& appeal_hosts) const {
  std::vector<std::string> patterns;
  std::vector<std::size_t> verdict_of;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (std::string reason = why_not_compilable(verdicts[i].pattern); !reason.empty()) {
      verdicts[i].findings.push_back({"PATTERN", std::move(reason), "write it in the language of Hyperscan"});
    } else {
      patterns.push_back(verdicts[i].pattern);
      verdict_of.push_back(i);
    }
  }
  if (patterns.empty()) return;
  const auto engine = PatternScan::make(patterns);
  if (!engine.has_value()) {
    for (const std::size_t i : verdict_of)
      verdicts[i].findings.push_back({"PATTERN", engine.error(), "make it smaller"});
    return;
  }

  std::vector<Hits> hits(patterns.size());
  const auto keep_first = [](std::string& to, std::string text) {
    if (to.empty()) to = std::move(text);
  };
  const auto count = [&](const std::vector<std::string>& names, std::uint64_t Blast::* counter) {
    for (const std::string& name : names) {
      engine->scan(name, [&](std::size_t p) {
        ++(hits[p].blast.*counter);
        if (hits[p].blast.examples.size() < kBlastExamples) hits[p].blast.examples.push_back(name);
      });
    }
  };
  count(guard_.lists().platforms, &Blast::popular);
  count(guard_.lists().popular, &Blast::popular);
  count(guard_.lists().ordinary, &Blast::ordinary);
  for (const std::string& suffix : listed_public_suffixes()) {
    engine->scan(suffix, [&](std::size_t p) { keep_first(hits[p].suffix, suffix); });
  }
  for (const ProtectedName& name : guard_.lists().protected_names) {
    // Names below a protected subtree cannot be listed: these two stand for them.
    for (const std::string& probe : {name.name, "www." + name.name, "mail." + name.name}) {
      if (name.scope == Scope::Exact && probe != name.name) continue;
      engine->scan(probe,
                   [&](std::size_t p) { keep_first(hits[p].protected_name, probe + " (" + name.category + ")"); });
    }
  }
  for (const std::string& host : appeal_hosts) {
    engine->scan(host, [&](std::size_t p) { keep_first(hits[p].protected_name, host + ", where people appeal"); });
  }
  for (std::size_t p = 0; p < patterns.size(); ++p) add_findings(verdicts[verdict_of[p]], std::move(hits[p]));
}

std::vector<PatternVerdict> PatternGuards::judge(const std::set<std::string>& appeal_hosts) const {
  std::vector<PatternVerdict> verdicts;
  for (const Added& added : added_) {
    verdicts.push_back({added.order, added.target, added.pattern, {}, {}});
    judge_endings(added, verdicts.back());
  }
  scan(verdicts, appeal_hosts);
  return verdicts;
}

}  // namespace sluice
