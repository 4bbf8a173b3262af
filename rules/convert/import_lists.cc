#include <algorithm>
#include <array>

#include "rules/convert/imported.h"
#include "rules/text/text_lines.h"

namespace sluice {
namespace {

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& all, std::string_view one) {
  return std::ranges::find(all, one) != all.end();
}

constexpr std::array<std::string_view, 5> kNowhere{"0.0.0.0", "127.0.0.1", "::", "::1", "0:0:0:0:0:0:0:0"};
constexpr std::array<std::string_view, 10> kThisHost{
    "localhost",    "localhost.localdomain", "local",           "broadcasthost", "ip6-localhost",
    "ip6-loopback", "ip6-localnet",          "ip6-mcastprefix", "ip6-allnodes",  "ip6-allrouters"};

}  // namespace

Imported import_hosts(std::string_view text) {
  ImportCollector out;
  each_line(text, [&](std::uint32_t number, std::string_view line) {
    std::string_view rest = line.substr(0, line.find('#'));
    const std::string_view address = next_word(rest);
    if (address.empty()) return;
    bool any = false;
    for (std::string_view name = next_word(rest); !name.empty(); name = next_word(rest)) {
      any = true;
      if (!contains(kNowhere, address)) {
        out.lose(number, std::string(name) + ": leads to " + std::string(address) + ", which is no block");
      } else if (contains(kThisHost, name) || contains(kNowhere, name)) {
        out.lose(number, std::string(name) + ": a name of this host");
      } else {
        out.add(number, name, Scope::Exact);
      }
    }
    if (!any) out.lose(number, "expected an address and names");
  });
  return out.finish();
}

Imported import_plain(std::string_view text, Scope scope) {
  ImportCollector out;
  each_line(text, [&](std::uint32_t number, std::string_view line) {
    // A fragment of a URL has no blank before its "#".
    if (line.front() == '#') return;
    const std::size_t comment = line.find(" #");
    out.add(number, trimmed(line.substr(0, comment)), scope);
  });
  return out.finish();
}

Imported import_adblock(std::string_view text) {
  ImportCollector out;
  each_line(text, [&](std::uint32_t number, std::string_view line) {
    if (line.front() == '!' || line.front() == '[' || (line.front() == '#' && !line.starts_with("##"))) return;
    std::string_view rule = line;
    const bool exception = rule.starts_with("@@");
    if (exception) rule.remove_prefix(2);
    const auto lose = [&](std::string_view why) { out.lose(number, std::string(line) + ": " + std::string(why)); };
    if (!rule.starts_with("||")) {
      if (rule.starts_with("|http"))
        return out.refer(number, std::string(rule.substr(1)), std::string(line) + ": a URL (G3)");
      return lose("no rule for a name (||name^)");
    }
    rule.remove_prefix(2);
    const std::size_t end = rule.find_first_of("^/$|*?");
    const std::string_view name = rule.substr(0, end);
    const std::string_view after = end == std::string_view::npos ? std::string_view() : rule.substr(end);
    if (after.starts_with('/') && after != "/") {
      return out.refer(number, std::string(rule),
                       std::string(line) + ": a URL (G3): DNS and TLS show whole hosts only");
    }
    if (after.starts_with('*') || rule.starts_with('*')) return lose("a pattern");
    // "$important" only ranks a rule among others; every other option narrows it.
    if (after == "^" || after == "^|" || after == "^$important") {
      return out.add(number, name, Scope::Subtree, exception ? OrderAction::Allow : OrderAction::Block);
    }
    lose(after.empty() || after == "/" ? "not closed by ^, so it also meets longer names"
                                       : "holds for some requests only");
  });
  return out.finish();
}

}  // namespace sluice
