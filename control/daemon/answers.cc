#include "control/daemon/answers.h"

#include "control/daemon/alarm_routes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "rules/text/bundle_jsonl.h"
#include "rules/text/json_writer.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

constexpr std::array<Method, kMethodCount> kMethods{Method::Dns, Method::Sni, Method::Quic, Method::Http};

std::string hex(const Sha256& hash) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : hash) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

/// Where the feed's newest bundle is on its way; nothing where all of it stands for good.
void write_staged(JsonWriter& json, const StagedApply* staged) {
  if (staged == nullptr) return;
  json.key("staged").begin_object().member("phase", to_string(staged->phase));
  json.member("since", format_rfc3339(staged->since));
  if (staged->until != 0) json.member("until", format_rfc3339(staged->until));
  if (staged->confirm_by != 0) json.member("confirm_by", format_rfc3339(staged->confirm_by));
  json.member_if("why", staged->why).end_object();
}

void write_feed(JsonWriter& json, const FeedView& feed, const ApplyState& apply, UnixSeconds now) {
  json.begin_object().member("feed", feed.feed).member("state", feed_condition(feed, now));
  json.member("priority", unsigned{feed.policy.priority}).member("external", feed.policy.external);
  if (feed.state) {
    json.member("epoch", feed.state->epoch).member("seq", feed.state->seq).member("sha256", feed.state->sha256);
    json.member("issued", format_rfc3339(feed.header.issued)).member("expires", format_rfc3339(feed.header.expires));
    json.member("accepted", format_rfc3339(feed.state->accepted));
    json.member("orders", feed.header.orders).member("targets", feed.header.targets);
    if (!feed.refused.empty()) json.member("guarded", feed.refused.size());
  }
  write_staged(json, find_staged(apply, feed.feed));
  json.end_object();
}

void write_image(JsonWriter& json, const RulesView& view) {
  json.key("image");
  if (view.rules == nullptr) {
    json.null();
    return;
  }
  json.begin_object().member("sha256", view.image_sha256).member("path", view.image_path);
  json.member("orders", view.rules->orders().size()).member("names", view.rules->names());
  json.member("patterns", view.rules->patterns());
  json.member("engine", view.rules->engine() == MatchEngine::Table ? "table" : "hyperscan");
  json.key("feeds").begin_array();
  for (const ImageFeed& feed : view.rules->feeds()) {
    json.begin_object().member("feed", feed.name).member("epoch", feed.epoch).member("seq", feed.seq);
    json.member("sha256", hex(feed.snapshot_sha256)).end_object();
  }
  json.end_array().end_object();
}

void write_dataplane(JsonWriter& json, const DataplaneView& view) {
  json.key("dataplane").begin_object().member("enabled", view.enabled).member("reachable", view.reachable);
  json.member("runs_current", view.runs_current).key("health");
  if (view.health.empty()) {
    json.null();
  } else {
    json.raw(view.health);
  }
  json.end_object();
}

template <std::size_t N>
void write_sides(JsonWriter& json, std::string_view name, const std::array<std::uint64_t, N>& by_side) {
  json.key(name).begin_object().member("subscriber", by_side[0]).member("internet", by_side[1]).end_object();
}
void write_methods(JsonWriter& json, std::string_view name, const std::array<std::uint64_t, kMethodCount>& by_method) {
  json.key(name).begin_object();
  for (const Method method : kMethods) json.member(to_string(method), by_method[static_cast<std::size_t>(method)]);
  json.end_object();
}

void write_counters(JsonWriter& json, const std::optional<Tally>& tally) {
  json.key("counters");
  if (!tally) {
    json.null();
    return;
  }
  json.begin_object().member("pid", tally->pid).member("workers", tally->workers);
  json.member("since", format_rfc3339(static_cast<UnixSeconds>(tally->started_unix_ns / 1'000'000'000)));
  write_sides(json, "rx_pkts", tally->rx_pkts);
  write_sides(json, "rx_bytes", tally->rx_bytes);
  write_sides(json, "tx_pkts", tally->tx_pkts);
  write_sides(json, "tx_bytes", tally->tx_bytes);
  write_sides(json, "reply_pkts", tally->reply_pkts);
  write_sides(json, "reply_bytes", tally->reply_bytes);
  json.member("dropped_pkts", tally->dropped_pkts);
  write_methods(json, "names", tally->names);
  write_methods(json, "blocked", tally->blocked);
  write_methods(json, "observed", tally->observed);
  json.key("causes").begin_object();
  for (std::size_t i = 1; i < kCauseCount; ++i) json.member(kCauses[i].name, tally->causes[i]);
  json.end_object().key("policy").begin_object();
  for (std::size_t i = 1; i < kCauseCount; ++i) json.member(kCauses[i].name, to_string(tally->rows[i]));
  json.end_object().end_object();
}

void write_wire(JsonWriter& json, const std::vector<InterfaceStatus>& wire) {
  json.key("wire").begin_array();
  for (const InterfaceStatus& port : wire) {
    json.begin_object().member("interface", port.name).member("bypass", port.config.bypass != 0);
    json.member("fallback", port.config.fallback == SLUICE_FALLBACK_DROP ? "drop" : "forward");
    json.member("max_age_ms", port.config.heartbeat_max_age_ns / 1'000'000);
    json.key("counters").begin_object();
    for (unsigned i = 0; i < SLUICE_WIRE_COUNTERS; ++i) {
      json.key(counter_name(static_cast<sluice_wire_counter>(i))).begin_object();
      json.member("pkts", port.counters[i].pkts).member("bytes", port.counters[i].bytes).end_object();
    }
    json.end_object().end_object();
  }
  json.end_array();
}

WireName wire_name(std::string_view text) {
  WireName name;
  std::ranges::fill(name.buffer, '\0');
  (void)assign_text_name(name, text);
  return name;
}

const OrderView* find_order(const RulesView& rules, std::string_view feed, std::string_view id) {
  for (const FeedView& f : rules.feeds) {
    if (f.feed != feed) continue;
    for (const OrderView& o : f.orders) {
      if (o.order.id == id) return &o;
    }
  }
  return nullptr;
}

void write_blocked(JsonWriter& json, const RulesView& view, const Decision& decision, std::string_view name) {
  const ImageOrder& order = view.rules->orders()[decision.order];
  const std::string_view feed = view.rules->feeds()[order.feed].name;
  json.member("order", order.id).member("number", order.number).member("authority", order.authority);
  json.member("law", order.law).member("reason", order.reason).member("appeal", order.appeal_url);
  json.member("effective", format_rfc3339(order.effective)).member("expires", format_rfc3339(order.expires));
  json.member("feed", feed).member("target", view.rules->target_text(decision, name));
  json.member("scope", decision.target.pattern ? std::string_view("pattern") : to_string(decision.target.scope));
  if (const OrderView* full = find_order(view, feed, order.id)) {
    json.member_if("court", full->order.court).member_if("appeal_email", full->order.appeal_email);
    json.key("reasons").begin_object();
    for (const auto& [language, text] : full->order.reason) json.member(language, text);
    json.end_object();
  }
}

/// The order in shadow that would block the name, where nothing does.
void write_shadow(JsonWriter& json, const RulesView& view, std::span<const Decision> decisions) {
  const auto shadow = std::ranges::find_if(decisions, [](const Decision& d) { return d.in_shadow(); });
  if (shadow == decisions.end() || std::ranges::any_of(decisions, [](const Decision& d) { return d.blocked(); }))
    return;
  const ImageOrder& order = view.rules->orders()[shadow->order];
  json.key("shadow").begin_object().member("order", order.id);
  json.member("feed", view.rules->feeds()[order.feed].name).end_object();
}

void write_order_state(JsonWriter& json, const OrderStates& states, const ApplyState& apply, const std::string& feed,
                       const std::string& order) {
  json.member("state", states.of(feed, order));
  if (const RefusedOrder* refused = find_refused(apply, feed, order)) {
    json.key("refused").begin_object().member("code", refused->code);
    json.member("why", refused->why).member("since", format_rfc3339(refused->since)).end_object();
  }
}

void write_order(JsonWriter& json, const FeedView& feed, const OrderView& view, const OrderTally& hits,
                 const RulesView& rules, const OrderStates& states, UnixSeconds now) {
  const Order& order = view.order;
  const auto refusal = std::ranges::find(feed.refused, order.id, &GuardRefusal::order);
  json.begin_object().member("feed", feed.feed).member("id", order.id).member("number", order.number);
  json.member("action", to_string(order.action)).member("authority", order.authority).member("law", order.law);
  json.member("effective", format_rfc3339(order.effective)).member("expires", format_rfc3339(order.expires));
  json.member("in_force", refusal == feed.refused.end() && order.in_force(now)).member("targets", view.targets);
  json.key("methods").begin_array();
  for (const Method method : kMethods) {
    if ((order.methods & bit(method)) != 0) json.value(to_string(method));
  }
  json.end_array().member("qtypes", to_string(order.qtypes));
  write_order_state(json, states, rules.apply, feed.feed, order.id);
  if (refusal != feed.refused.end()) {
    json.key("guard").begin_object().member("code", refusal->code).member_if("target", refusal->target);
    json.member("detail", refusal->detail).member("instead", refusal->instead).end_object();
  }
  json.member("blocked", hits.blocked).member("observed", hits.observed).end_object();
}

}  // namespace

OrderStates::OrderStates(const RulesView& view) : view_(view) {
  if (view.rules == nullptr) return;
  for (const ImageOrder& order : view.rules->orders()) {
    in_image_[{view.rules->feeds()[order.feed].name, order.id}] |= order.shadow ? kInShadow : kEnforced;
  }
}

std::string_view OrderStates::of(std::string_view feed, std::string_view order) const {
  if (find_refused(view_.apply, feed, order) != nullptr) return "refused";
  constexpr std::array<std::string_view, 4> kStates{"left-out", "enforced", "shadow", "partly"};
  const auto at = in_image_.find({feed, order});
  return kStates[at == in_image_.end() ? 0 : at->second];
}

std::string_view feed_condition(const FeedView& feed, UnixSeconds now) {
  if (!feed.state) return "none";
  return now < feed.header.expires ? "active" : "expired";
}

std::string status_json(const StatusFacts& facts) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("version", SLUICE_VERSION).member("now", format_rfc3339(facts.now));
  json.member("started", format_rfc3339(facts.started)).key("feeds").begin_array();
  for (const FeedView& feed : facts.rules->feeds) write_feed(json, feed, facts.rules->apply, facts.now);
  json.end_array();
  write_image(json, *facts.rules);
  write_dataplane(json, *facts.dataplane);
  write_counters(json, facts.tally);
  write_wire(json, facts.wire);
  json.key("waiting").begin_array();
  for (const WaitingView& w : facts.rules->waiting) {
    json.begin_object().member("bundle", w.bundle).member("code", w.code).member("detail", w.detail).end_object();
  }
  json.end_array().key("alarms").begin_array();
  for (const Alarm& alarm : facts.alarms) write_alarm(json, alarm);
  json.end_array().end_object();
  return out + "\n";
}

std::string why_json(const RulesView& view, const WhyQuestion& question, UnixSeconds now) {
  const WireName name = wire_name(question.name);
  std::array<Lookup, kMethodCount> lookups;
  std::array<Decision, kMethodCount> decisions;
  for (std::size_t i = 0; i < kMethodCount; ++i) lookups[i] = {&name, kMethods[i], question.qtype};
  view.rules->lookup(lookups, decisions, now, 0);

  std::optional<std::size_t> shown;
  for (std::size_t i = 0; i < kMethodCount && !shown; ++i) {
    if (decisions[i].blocked() && (!question.method || *question.method == kMethods[i])) shown = i;
  }
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("name", question.name).member("blocked", shown.has_value());
  if (shown) write_blocked(json, view, decisions[*shown], question.name);
  json.member("method", to_string(shown ? kMethods[*shown] : question.method.value_or(Method::Dns)));
  json.key("methods").begin_array();
  for (std::size_t i = 0; i < kMethodCount; ++i) {
    if (decisions[i].blocked()) json.value(to_string(kMethods[i]));
  }
  json.end_array();
  write_shadow(json, view, decisions);
  json.member("image", view.image_sha256).end_object();
  return out + "\n";
}

std::string orders_json(const RulesView& view, const std::optional<Tally>& tally, const std::string& feed,
                        UnixSeconds now) {
  const OrderStates states(view);
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("orders").begin_array();
  for (const FeedView& f : view.feeds) {
    if (!feed.empty() && f.feed != feed) continue;
    for (const OrderView& o : f.orders) {
      OrderTally hits;
      if (tally) {
        const auto it = tally->orders.find({f.feed, o.order.id});
        if (it != tally->orders.end()) hits = it->second;
      }
      write_order(json, f, o, hits, view, states, now);
    }
  }
  json.end_array().end_object();
  return out + "\n";
}

std::optional<std::uint16_t> qtype_from(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint16_t>, 12> kTypes{{{"A", 1},
                                                                               {"NS", 2},
                                                                               {"CNAME", 5},
                                                                               {"SOA", 6},
                                                                               {"PTR", 12},
                                                                               {"MX", 15},
                                                                               {"TXT", 16},
                                                                               {"AAAA", 28},
                                                                               {"SRV", 33},
                                                                               {"SVCB", 64},
                                                                               {"HTTPS", 65},
                                                                               {"ANY", 255}}};
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  for (const auto& [name, number] : kTypes) {
    if (upper == name) return number;
  }
  const std::string_view digits =
      upper.starts_with("TYPE") ? std::string_view(upper).substr(4) : std::string_view(upper);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  return number;
}

}  // namespace sluice
