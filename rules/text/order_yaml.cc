#include "rules/text/order_yaml.h"

#include <algorithm>

#include "rules/text/bundle_jsonl.h"
#include "rules/text/rfc3339.h"

namespace sluice {

bool OrderFields::read(std::string_view key, const YamlNode& value) {
  const std::size_t before = errors_.size();
  const bool known = field(key, value);
  if (errors_.size() != before) faulty.insert(std::string(key));
  return known;
}

bool OrderFields::field(std::string_view key, const YamlNode& value) {
  if (key == "id") return yaml_.text(value, order_.id), true;
  if (key == "number") return yaml_.text(value, order_.number), true;
  if (key == "renews") return yaml_.text(value, order_.renews), true;
  if (key == "authority") return yaml_.text(value, order_.authority), true;
  if (key == "action") return choice(value, "block", "allow", order_.action, OrderAction::Block, OrderAction::Allow);
  if (key == "qtypes") return choice(value, "web", "all", order_.qtypes, QtypeSet::Web, QtypeSet::All);
  if (key == "urgency")
    return choice(value, "normal", "emergency", order_.urgency, Urgency::Normal, Urgency::Emergency);
  if (key == "effective") return time(value, order_.effective);
  if (key == "expires") return time(value, order_.expires);
  if (key == "methods") return methods(value);
  if (key == "basis") return basis(value);
  if (key == "reason") return reason(value);
  if (key == "appeal") return map_of(value, {{"url", &order_.appeal_url}, {"email", &order_.appeal_email}});
  if (key == "attribution") return attribution(value);
  if (key == "necessity") return necessity(value);
  if (key == "publication") return publication(value);
  if (key == "overrides") return overrides(value);
  return false;
}

bool OrderFields::time(const YamlNode& node, UnixSeconds& out) {
  const auto seconds = parse_rfc3339(node.text);
  if (!seconds) yaml_.fail(node, "expected a time like 2026-11-02T00:00:00Z");
  out = seconds.value_or(0);
  return true;
}

bool OrderFields::date(const YamlNode& node, std::string& out) {
  if (!parse_date(node.text)) yaml_.fail(node, "expected a date like 2026-11-02");
  out = node.text;
  return true;
}

bool OrderFields::map_of(const YamlNode& node, std::initializer_list<Slot> slots) {
  yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
    const auto slot = std::ranges::find(slots, key, &Slot::key);
    if (slot == slots.end()) return false;
    yaml_.text(value, *slot->to);
    return true;
  });
  return true;
}

bool OrderFields::methods(const YamlNode& node) {
  order_.methods = 0;
  yaml_.sequence(node, [&](const YamlNode& item) {
    const MethodSet method = method_from(item.text);
    if (method == 0) return yaml_.fail(item, "expected dns, sni, quic or http");
    if ((order_.methods & method) != 0) yaml_.fail(item, "method named twice");
    order_.methods |= method;
  });
  return true;
}

bool OrderFields::basis(const YamlNode& node) {
  yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
    if (key == "law") return yaml_.text(value, order_.law), true;
    if (key == "court") return yaml_.text(value, order_.court), true;
    if (key != "listings") return false;
    order_.listings.clear();
    yaml_.sequence(value, [&](const YamlNode& item) {
      Listing& listing = order_.listings.emplace_back();
      map_of(item, {{"list", &listing.list}, {"ref", &listing.ref}, {"organisation", &listing.organisation}});
    });
    return true;
  });
  return true;
}

bool OrderFields::reason(const YamlNode& node) {
  yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
    yaml_.text(value, order_.reason[std::string(key)]);
    return true;
  });
  return true;
}

bool OrderFields::attribution(const YamlNode& node) {
  yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
    if (key == "evidence_sha256") return yaml_.text(value, order_.evidence_sha256), true;
    return key == "assessed_at" && date(value, order_.assessed_at);
  });
  return true;
}

bool OrderFields::necessity(const YamlNode& node) {
  yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
    if (key == "not_notified") return yaml_.text(value, order_.not_notified), true;
    if (key == "justification") return yaml_.text(value, order_.justification), true;
    return key == "host_notice_at" && date(value, order_.host_notice_at);
  });
  return true;
}

bool OrderFields::publication(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::Scalar) {
    return choice(node, "full", "lookup", order_.publication, PublicationKind::Full, PublicationKind::Lookup);
  }
  order_.publication = PublicationKind::Delayed;
  yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
    return key == "delayed_until" && time(value, order_.delayed_until);
  });
  return true;
}

bool OrderFields::overrides(const YamlNode& node) {
  order_.overrides.clear();
  yaml_.sequence(node, [&](const YamlNode& item) {
    Override& o = order_.overrides.emplace_back();
    map_of(item, {{"guard", &o.guard}, {"why", &o.why}});
  });
  return true;
}

}  // namespace sluice
