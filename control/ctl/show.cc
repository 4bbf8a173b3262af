#include "control/ctl/show.h"

#include <simdjson.h>

#include <array>
#include <utility>
#include <vector>

#include "control/ctl/table.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

namespace dom = simdjson::dom;

std::string text(const dom::element& object, std::string_view key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? printable(value) : std::string();
}
std::uint64_t number(const dom::element& object, std::string_view key) {
  std::uint64_t value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : 0;
}
bool yes(const dom::element& object, std::string_view key) {
  bool value = false;
  return object[key].get(value) == simdjson::SUCCESS && value;
}
// Vectors, because a dom::array or dom::object that no document gave must not be iterated.
using Items = std::vector<dom::element>;
using Members = std::vector<std::pair<std::string_view, dom::element>>;

/// The elements below `key`; none where it is no list.
Items items(const dom::element& object, std::string_view key) {
  dom::array list;
  Items out;
  if (object[key].get(list) != simdjson::SUCCESS) return out;
  for (const dom::element item : list) out.push_back(item);
  return out;
}
/// The members below `key`; none where it is no object.
Members members(const dom::element& object, std::string_view key) {
  dom::object found;
  Members out;
  if (object[key].get(found) != simdjson::SUCCESS) return out;
  for (const auto& [name, value] : found) out.emplace_back(name, value);
  return out;
}
/// The element below `key`, where it is an object.
bool object_at(const dom::element& object, std::string_view key, dom::element& out) {
  return object[key].get(out) == simdjson::SUCCESS && out.is_object();
}

std::string short_hash(const std::string& hash) {
  return hash.substr(0, 12);
}

/// "2026-11-02T00:00:00Z" → "2026-11-02 00:00"
std::string minute(const std::string& rfc3339) {
  return rfc3339.size() < 16 ? rfc3339 : rfc3339.substr(0, 10) + " " + rfc3339.substr(11, 5);
}
/// "in 3 d 4 h" or "3 d 4 h ago"
std::string from_now(const std::string& rfc3339, std::int64_t now) {
  const auto at = parse_rfc3339(rfc3339);
  if (!at) return "";
  return *at >= now ? "in " + duration(*at - now) : duration(now - *at) + " ago";
}

std::string join(const Items& list) {
  std::string out;
  for (const dom::element item : list) {
    std::string_view value;
    if (item.get(value) == simdjson::SUCCESS) out += (out.empty() ? "" : ",") + printable(value);
  }
  return out;
}

/// "dns 12  sni 3", without what is zero.
std::string by_name(const Members& counts) {
  std::string out;
  for (const auto& [key, value] : counts) {
    std::uint64_t n = 0;
    if (value.get(n) == simdjson::SUCCESS && n > 0) {
      out += (out.empty() ? "" : "  ") + std::string(key) + " " + grouped(n);
    }
  }
  return out.empty() ? "none" : out;
}

std::string plain(const dom::element& value) {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? printable(text) : std::string();
}

/// "soaking until 2026-11-22 05:10"
std::string show_stage(const dom::element& feed) {
  dom::element staged;
  if (!object_at(feed, "staged", staged)) return text(feed, "state");
  const std::string until = text(staged, "confirm_by").empty() ? text(staged, "until") : text(staged, "confirm_by");
  return text(feed, "state") + ", " + text(staged, "phase") + (until.empty() ? "" : " until " + minute(until));
}

std::string show_feeds(const dom::element& status, std::int64_t now) {
  Table table({"FEED", "STATE", ">EPOCH", ">SEQ", ">ORDERS", ">TARGETS", "SHA256", "EXPIRES"});
  for (const dom::element feed : items(status, "feeds")) {
    const std::string expires = text(feed, "expires");
    if (expires.empty()) {
      table.row({text(feed, "feed"), text(feed, "state"), "-", "-", "-", "-", "-", "-"});
    } else {
      table.row({text(feed, "feed"), show_stage(feed), std::to_string(number(feed, "epoch")),
                 std::to_string(number(feed, "seq")), grouped(number(feed, "orders")), grouped(number(feed, "targets")),
                 short_hash(text(feed, "sha256")), minute(expires) + " (" + from_now(expires, now) + ")"});
    }
  }
  return table.text();
}

std::string show_image(const dom::element& status) {
  dom::element image;
  if (!object_at(status, "image", image)) return "image       none: nothing is enforced\n";
  return "image       " + short_hash(text(image, "sha256")) + "  " + grouped(number(image, "orders")) + " orders, " +
         grouped(number(image, "names")) + " names, " + grouped(number(image, "patterns")) + " patterns (" +
         text(image, "engine") + ")\n";
}

std::string show_ports(const dom::element& health) {
  std::string out;
  for (const auto& [key, port] : members(health, "ports")) {
    out += "  port      " + text(port, "name") + " " + text(port, "role") + ": missed " +
           grouped(number(port, "imissed")) + ", no buffer " + grouped(number(port, "rx_nombuf")) + ", not sent " +
           grouped(number(port, "tx_drop")) + "\n";
  }
  return out;
}

std::string show_dataplane(const dom::element& status) {
  dom::element dataplane;
  if (!object_at(status, "dataplane", dataplane) || !yes(dataplane, "enabled")) return "data plane  not configured\n";
  dom::element health;
  if (!yes(dataplane, "reachable") || !object_at(dataplane, "health", health)) return "data plane  OUT OF REACH\n";
  std::string out = "data plane  " + text(health, "mode") + ", pid " + std::to_string(number(health, "pid"));
  dom::element image;
  const std::string runs = object_at(health, "image", image) ? text(image, "sha256") : "";
  out += runs.empty() ? ", NO IMAGE" : ", runs " + short_hash(runs);
  out += yes(dataplane, "runs_current") ? " (current)\n" : " (NOT the current one)\n";
  std::uint64_t workers = 0;
  std::uint64_t age = 0;
  for (const auto& [key, worker] : members(health, "workers")) {
    ++workers;
    age = std::max(age, number(worker, "poll_age_us"));
  }
  out += "  workers   " + std::to_string(workers) + ", oldest poll " + grouped(age) + " us ago\n";
  return out + show_ports(health);
}

std::string show_causes(const dom::element& counters) {
  Table table({"CAUSE", "POLICY", ">PACKETS"});
  dom::element policy;
  const bool known = object_at(counters, "policy", policy);
  for (const auto& [key, value] : members(counters, "causes")) {
    std::uint64_t n = 0;
    if (value.get(n) != simdjson::SUCCESS) continue;
    table.row({printable(key), known ? text(policy, key) : "", grouped(n)});
  }
  return table.text();
}

std::string show_counters(const dom::element& status, bool causes) {
  dom::element counters;
  if (!object_at(status, "counters", counters)) {
    dom::element dataplane;
    const bool runs = object_at(status, "dataplane", dataplane) && yes(dataplane, "reachable");
    return runs ? "  counters  NOT READABLE: no right to, or of another build than sluiced\n" : "";
  }
  std::string out = "  names     " + by_name(members(counters, "names")) + "\n";
  out += "  blocked   " + by_name(members(counters, "blocked")) + "\n";
  if (const std::string observed = by_name(members(counters, "observed")); observed != "none") {
    out += "  observed  " + observed + "\n";
  }
  dom::element rx;
  dom::element tx;
  if (object_at(counters, "rx_pkts", rx) && object_at(counters, "tx_pkts", tx)) {
    out += "  packets   in " + grouped(number(rx, "subscriber") + number(rx, "internet")) + ", out " +
           grouped(number(tx, "subscriber") + number(tx, "internet")) + ", dropped by verdict " +
           grouped(number(counters, "dropped_pkts")) + "\n";
  }
  if (!causes) return out;
  return out + "\n" + show_causes(counters);
}

std::string show_wire(const dom::element& status) {
  Table table({"WIRE", "BYPASS", "FALLBACK", ">STEERED", ">BYPASSED", ">NO-SOCKET", ">STALE", ">DROPPED"});
  const auto pkts = [](const dom::element& port, std::string_view name) {
    dom::element all;
    dom::element one;
    return grouped(object_at(port, "counters", all) && object_at(all, name, one) ? number(one, "pkts") : 0);
  };
  for (const dom::element port : items(status, "wire")) {
    table.row({text(port, "interface"), yes(port, "bypass") ? "ON" : "off", text(port, "fallback"),
               pkts(port, "steered"), pkts(port, "bypass"), pkts(port, "no_socket"), pkts(port, "stale"),
               pkts(port, "dropped")});
  }
  return table.empty() ? "" : "\n" + table.text();
}

/// What stays until it is acknowledged is marked with a star.
std::string alarm_table(const dom::element& body, std::int64_t now) {
  Table alarms({"ALARM", "FEED", ">TIMES", "SINCE", "DETAIL"});
  for (const dom::element a : items(body, "alarms")) {
    const std::string feed = text(a, "feed");
    alarms.row({text(a, "code") + (yes(a, "stays") ? "*" : ""), feed.empty() ? "-" : feed,
                std::to_string(number(a, "count")), from_now(text(a, "since"), now), text(a, "detail")});
  }
  return alarms.empty() ? "no alarms\n" : alarms.text();
}

std::string show_trouble(const dom::element& status, std::int64_t now) {
  std::string out;
  Table waiting({"WAITING", "CODE", "DETAIL"});
  for (const dom::element w : items(status, "waiting"))
    waiting.row({text(w, "bundle"), text(w, "code"), text(w, "detail")});
  if (!waiting.empty()) out += "\n" + waiting.text();
  return out + "\n" + alarm_table(status, now);
}

std::string field(std::string_view name, const std::string& value) {
  if (value.empty()) return "";
  std::string out = "  " + std::string(name);
  return out + std::string(out.size() < 14 ? 14 - out.size() : 1, ' ') + value + "\n";
}

bool parse(dom::parser& parser, std::string_view json, dom::element& out) {
  return parser.parse(json.data(), json.size()).get(out) == simdjson::SUCCESS && out.is_object();
}

}  // namespace

std::string show_status(std::string_view json, std::int64_t now, bool causes) {
  dom::parser parser;
  dom::element status;
  if (!parse(parser, json, status)) return "";
  return show_feeds(status, now) + "\n" + show_image(status) + show_dataplane(status) + show_counters(status, causes) +
         show_wire(status) + show_trouble(status, now);
}

std::string show_why(std::string_view json, std::int64_t now) {
  dom::parser parser;
  dom::element why;
  if (!parse(parser, json, why)) return "";
  if (!yes(why, "blocked")) return text(why, "name") + ": nothing blocks it\n";
  std::string out = text(why, "name") + ": blocked (" + join(items(why, "methods")) + ")\n";
  out += field("order", text(why, "order") + "  no. " + text(why, "number"));
  out += field("authority", text(why, "authority"));
  out += field("law", text(why, "law"));
  out += field("court", text(why, "court"));
  out += field("reason", text(why, "reason"));
  out += field("in force", minute(text(why, "effective")) + " to " + minute(text(why, "expires")) + " (ends " +
                               from_now(text(why, "expires"), now) + ")");
  out += field("target", text(why, "target") + " (" + text(why, "scope") + ")");
  out += field("feed", text(why, "feed"));
  const std::string email = text(why, "appeal_email");
  const std::string url = text(why, "appeal");
  return out + field("appeal", url + (url.empty() || email.empty() ? "" : ", ") + email);
}

std::string show_orders(std::string_view json) {
  dom::parser parser;
  dom::element body;
  if (!parse(parser, json, body)) return "";
  Table table({"ORDER", "ACTION", "FEED", ">TARGETS", "METHODS", "EFFECTIVE", "EXPIRES", "FORCE", "STATE", ">BLOCKED",
               ">OBSERVED", "AUTHORITY"});
  for (const dom::element order : items(body, "orders")) {
    table.row({text(order, "id"), text(order, "action"), text(order, "feed"), grouped(number(order, "targets")),
               join(items(order, "methods")), text(order, "effective").substr(0, 10),
               text(order, "expires").substr(0, 10), yes(order, "in_force") ? "yes" : "no", text(order, "state"),
               grouped(number(order, "blocked")), grouped(number(order, "observed")), text(order, "authority")});
  }
  return table.empty() ? "no orders\n" : table.text();
}

std::string show_apply(std::string_view json) {
  dom::parser parser;
  dom::element body;
  if (!parse(parser, json, body)) return "";
  Table table({"BUNDLE", "OUTCOME", "FEED", ">EPOCH", ">SEQ", "DETAIL"});
  for (const dom::element b : items(body, "bundles")) {
    const std::string feed = text(b, "feed");
    table.row({text(b, "bundle"), text(b, "outcome"), feed.empty() ? "-" : feed, std::to_string(number(b, "epoch")),
               std::to_string(number(b, "seq")), text(b, "detail")});
  }
  dom::element bundles;
  const bool looked = body["bundles"].get(bundles) == simdjson::SUCCESS;
  std::string out = !looked ? "" : table.empty() ? "nothing new in the inbox\n" : table.text();
  dom::element image;
  if (object_at(body, "image", image)) {
    out += "image " + short_hash(text(image, "sha256")) + ": " + text(image, "outcome") + "\n";
  }
  return out;
}

std::string show_diff(std::string_view json) {
  dom::parser parser;
  dom::element body;
  if (!parse(parser, json, body)) return "";
  std::string out;
  for (const dom::element feed : items(body, "feeds")) {
    out += text(feed, "feed") + " seq " + std::to_string(number(feed, "from_seq")) + " -> " +
           std::to_string(number(feed, "to_seq")) + ": " + text(feed, "phase") + ", targets +" +
           grouped(number(feed, "targets_added")) + " -" + grouped(number(feed, "targets_removed")) + "\n";
    for (const dom::element order : items(feed, "orders")) {
      out += "  " + text(order, "change") + " " + text(order, "id") + " (" + text(order, "state") + ")\n";
      for (const dom::element line : items(order, "added")) out += "    + " + plain(line) + "\n";
      for (const dom::element line : items(order, "removed")) out += "    - " + plain(line) + "\n";
      const std::uint64_t more = number(order, "not_shown");
      if (more > 0) out += "    ... " + grouped(more) + " more\n";
    }
  }
  return out.empty() ? "no feed has changed\n" : out;
}

std::string show_alarms(std::string_view json, std::int64_t now) {
  dom::parser parser;
  dom::element body;
  return parse(parser, json, body) ? alarm_table(body, now) : "";
}

std::string show_error(std::string_view json) {
  dom::parser parser;
  dom::element body;
  return parse(parser, json, body) ? text(body, "error") : "";
}

}  // namespace sluice
