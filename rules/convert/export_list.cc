#include "rules/convert/export_list.h"

#include "rules/convert/dns_targets.h"
#include "rules/convert/rpz_tree.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

/// What is said of a name, and of what is below it and has no place of its own.
struct Place {
  std::string name, order;
  RpzPolicy here = RpzPolicy::None, below = RpzPolicy::None;
};

/// In the order of the tree: what is below a place comes right before it.
std::vector<Place> places_of(RpzTree& tree) {
  std::vector<Place> places;
  tree.walk([&](const RpzRecord& record) {
    if (places.empty() || places.back().name != record.name) places.push_back({std::string(record.name), {}, {}, {}});
    Place& place = places.back();
    (record.wildcard ? place.below : place.here) = record.policy;
    if (!record.order.empty()) place.order = record.order;
  });
  return places;
}

class Writer {
 public:
  explicit Writer(const ListOptions& options) : options_(options) {}

  void head(std::span<const Feed* const> ranked) {
    line("# Blocked names, of Sluice. Serial " + std::to_string(static_cast<std::uint32_t>(options_.now)) +
         ", orders in force at " + format_rfc3339(options_.now));
    for (const Feed* feed : ranked) {
      const SnapshotHeader& header = feed->snapshot.header;
      line("# feed " + comment_text(header.feed) + " epoch " + std::to_string(header.epoch) + " seq " +
           std::to_string(header.seq) + " expires " + format_rfc3339(header.expires));
    }
    if (options_.format == ListFormat::Unbound) line("server:");
  }

  void leave_out(std::string_view order, std::string_view what, std::string_view why) {
    ++out.left_out;
    line("# left out, " + std::string(why) + ": " + (order.empty() ? "" : "order " + comment_text(order) + " ") +
         comment_text(what));
  }

  void write(const std::vector<Place>& places) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      switch (options_.format) {
        case ListFormat::Hosts: hosts(places[i]); break;
        case ListFormat::Plain: plain(places, i); break;
        case ListFormat::Unbound: unbound(places[i]); break;
        case ListFormat::Dnsmasq: dnsmasq(places[i]); break;
      }
    }
  }

  ListExport out;

 private:
  static bool blocks(RpzPolicy policy) { return policy == RpzPolicy::Block; }
  static bool subtree(const Place& place) { return blocks(place.here) && blocks(place.below); }

  void line(std::string_view text) {
    out.text += text;
    out.text += '\n';
  }
  void entry(std::string_view text) {
    ++out.entries;
    line(text);
  }

  void hosts(const Place& place) {
    if (blocks(place.here)) {
      entry("0.0.0.0 " + place.name);
      line(":: " + place.name);
    }
    if (blocks(place.below)) leave_out(place.order, "*." + place.name, "a hosts file has no subtrees");
  }

  void plain(const std::vector<Place>& places, std::size_t i) {
    const Place& place = places[i];
    if (!blocks(place.here) || subtree(place) != (options_.scope == Scope::Subtree)) return;
    bool exception = false;
    for (std::size_t j = i; j > 0 && is_same_or_below(places[j - 1].name, place.name); --j) {
      exception |= places[j - 1].here == RpzPolicy::Pass || places[j - 1].below == RpzPolicy::Pass;
    }
    if (subtree(place) && exception) return leave_out(place.order, place.name, "an exception lies below it");
    entry(place.name);
  }

  void unbound(const Place& place) {
    const auto zone = [&](std::string_view type) {
      entry("  local-zone: \"" + place.name + ".\" " + std::string(type));
    };
    if (subtree(place)) return zone("always_nodata");
    if (!blocks(place.here)) {
      zone("always_transparent");
      if (blocks(place.below)) leave_out({}, "*." + place.name, "an exception holds below its name, too");
      return;
    }
    // A transparent zone answers for the names that it has data of, and only for them: NODATA but for this type.
    zone("transparent");
    line("  local-data: '" + place.name + ". 60 IN TXT \"" + comment_text(place.order) + "\"'");
  }

  void dnsmasq(const Place& place) {
    if (subtree(place)) return entry("address=/" + place.name + "/");
    if (blocks(place.here)) return entry("host-record=" + place.name + ",0.0.0.0,::");
    entry("server=/" + place.name + "/#");
    if (blocks(place.below)) leave_out({}, "*." + place.name, "an exception holds below its name, too");
  }

  const ListOptions& options_;
};

}  // namespace

ListExport export_list(std::span<const Feed> feeds, const ListOptions& options) {
  const std::vector<const Feed*> ranked = by_rank(feeds);
  Writer writer(options);
  writer.head(ranked);
  RpzTree tree(ranked);
  each_dns_target(ranked, options.now, [&](std::size_t feed, const Order& order, const Target& target) {
    if (const auto* pattern = std::get_if<PatternTarget>(&target)) {
      writer.leave_out(order.id, pattern->pattern, "a pattern");
    } else {
      tree.add(feed, order, std::get<NameTarget>(target));
    }
  });
  writer.write(places_of(tree));
  return std::move(writer.out);
}

}  // namespace sluice
