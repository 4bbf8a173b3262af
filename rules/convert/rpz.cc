#include "rules/convert/rpz.h"

#include <algorithm>
#include <array>
#include <vector>

#include "rules/convert/dns_targets.h"
#include "rules/convert/rpz_tree.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

/// Longest owner name as text, without the final dot (RFC 1035 2.3.4).
constexpr std::size_t kMaxOwnerBytes = kMaxNameBytes;
constexpr std::string_view kWildcard = "*.";

/// Last labels that make an owner name a trigger of another kind than a query name.
constexpr std::array<std::string_view, 5> kTriggers = {"rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname",
                                                       "rpz-passthru"};

bool speakable(const NameTarget& target, std::string_view zone) {
  const std::string_view name = target.name.text();
  const std::size_t wildcard = target.scope == Scope::Subtree ? kWildcard.size() : 0;
  const auto is_last_label = [&](std::string_view label) { return is_same_or_below(name, label); };
  return wildcard + name.size() + 1 + zone.size() <= kMaxOwnerBytes && std::ranges::none_of(kTriggers, is_last_label);
}

void write_head(std::string& out, std::span<const Feed* const> ranked, const RpzOptions& options) {
  const std::string ttl = std::to_string(options.ttl_s);
  out += "; Response policy zone of Sluice, orders in force at " + format_rfc3339(options.now) + "\n";
  out += "; NODATA holds for every query type here: this format cannot say that an order is for web types only.\n";
  for (const Feed* feed : ranked) {
    const SnapshotHeader& header = feed->snapshot.header;
    out += "; feed " + comment_text(header.feed) + " epoch " + std::to_string(header.epoch) + " seq " +
           std::to_string(header.seq) + " expires " + format_rfc3339(header.expires) + "\n";
  }
  out += "$ORIGIN " + options.zone.text() + ".\n$TTL " + ttl + "\n";
  out += "@ IN SOA localhost. hostmaster.localhost. " + std::to_string(static_cast<std::uint32_t>(options.now)) +
         " 60 60 604800 " + ttl + "\n@ IN NS localhost.\n";
}

void left_out(std::string& out, const Order& order, std::string_view why, std::string_view what) {
  out += "; left out, " + std::string(why) + ": order " + comment_text(order.id) + " " + comment_text(what) + "\n";
}

}  // namespace

RpzZone write_rpz(std::span<const Feed> feeds, const RpzOptions& options) {
  const std::vector<const Feed*> ranked = by_rank(feeds);
  RpzZone zone;
  write_head(zone.text, ranked, options);
  RpzTree tree(ranked);
  each_dns_target(ranked, options.now, [&](std::size_t feed, const Order& order, const Target& target) {
    if (const auto* pattern = std::get_if<PatternTarget>(&target)) {
      ++zone.patterns;
      left_out(zone.text, order, "a pattern", pattern->pattern);
    } else if (const auto& named = std::get<NameTarget>(target); speakable(named, options.zone.text())) {
      tree.add(feed, order, named);
    } else {
      ++zone.unspeakable;
      left_out(zone.text, order, "no owner name", named.name.text());
    }
  });
  tree.walk([&](const RpzRecord& record) {
    ++zone.records;
    if (record.wildcard) zone.text += kWildcard;
    zone.text += record.name;
    zone.text += record.policy == RpzPolicy::Block ? " CNAME *." : " CNAME rpz-passthru.";
    if (!record.order.empty()) zone.text += " ; " + comment_text(record.order);
    zone.text += '\n';
  });
  return zone;
}

}  // namespace sluice
