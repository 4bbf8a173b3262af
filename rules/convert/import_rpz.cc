#include <array>
#include <map>
#include <optional>

#include "rules/convert/imported.h"
#include "rules/convert/master_file.h"

namespace sluice {
namespace {

enum class Act : std::uint8_t { None, Block, Pass };

/// What a zone says of a name, and of what is below it.
struct Said {
  Act here = Act::None, below = Act::None;
  std::uint32_t line = 0;
};

constexpr std::array<std::string_view, 4> kOtherTriggers{"rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname"};

/// draft-vixie-dnsop-dns-rpz 3.1 to 3.4: what the target of a CNAME does.
Act act_of(std::string_view target) {
  if (target == "." || target == "*." || target == "rpz-drop.") return Act::Block;
  return target == "rpz-passthru." ? Act::Pass : Act::None;
}

class Zone {
 public:
  void take(const MasterRecord& record) {
    if (record.type == "SOA") {
      apex_ = record.owner;
      return;
    }
    if (!apex_) return out_.lose(record.line, "a record before the SOA of the zone");
    if (record.owner == *apex_) return;                             // NS and the like: the zone's own
    const std::string suffix = apex_->empty() ? "" : "." + *apex_;  // files without $ORIGIN hang on the root
    if (record.owner.size() <= suffix.size() || !record.owner.ends_with(suffix)) {
      return out_.lose(record.line, record.owner + ": not in zone " + *apex_);
    }
    const std::string owner = record.owner.substr(0, record.owner.size() - suffix.size());
    for (const std::string_view trigger : kOtherTriggers) {
      if (owner.ends_with(trigger)) return out_.lose(record.line, owner + ": triggers on something else than a name");
    }
    const Act act = record.type == "CNAME" ? act_of(record.data) : Act::None;
    if (act == Act::None) {
      return out_.lose(record.line, owner + ": " + record.type + " " + record.data + ": neither a block nor passthru");
    }
    const bool wildcard = owner.starts_with("*.");
    Said& said = said_[wildcard ? owner.substr(2) : owner];
    if (said.line == 0) said.line = record.line;
    (wildcard ? said.below : said.here) = act;
  }

  void lose(std::uint32_t line, std::string what) { out_.lose(line, std::move(what)); }

  Imported finish() {
    for (const auto& [name, said] : said_) say(name, said);
    return out_.finish();
  }

 private:
  void say(const std::string& name, const Said& said) {
    const auto add = [&](Scope scope, Act act) {
      out_.add(said.line, name, scope, act == Act::Block ? OrderAction::Block : OrderAction::Allow);
    };
    if (said.here == said.below) return add(Scope::Subtree, said.here);
    if (said.here != Act::None) add(Scope::Exact, said.here);
    if (said.below != Act::None) {
      out_.lose(said.line, "*." + name + ": " + (said.below == Act::Block ? "blocks" : "excepts") +
                               " what is below a name and not the name itself, which no order can say");
    }
  }

  std::optional<std::string> apex_;
  std::map<std::string, Said> said_;
  ImportCollector out_;
};

}  // namespace

Imported import_rpz(std::string_view text) {
  Zone zone;
  read_master_file(
      text, [&](const MasterRecord& record) { zone.take(record); },
      [&](std::uint32_t line, std::string what) { zone.lose(line, std::move(what)); });
  return zone.finish();
}

}  // namespace sluice
