#include "rules/text/bundle_jsonl.h"
#include "rules/text/json_writer.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

constexpr Method kMethods[kMethodCount] = {Method::Dns, Method::Sni, Method::Quic, Method::Http};

void write_basis(JsonWriter& json, const Order& order) {
  json.key("basis").begin_object().member("law", order.law).member_if("court", order.court);
  if (!order.listings.empty()) {
    json.key("listings").begin_array();
    for (const Listing& listing : order.listings) {
      json.begin_object().member("list", listing.list);
      json.member_if("ref", listing.ref).member_if("organisation", listing.organisation).end_object();
    }
    json.end_array();
  }
  json.end_object();
}

void write_reason_and_appeal(JsonWriter& json, const Order& order) {
  json.key("reason").begin_object();
  for (const auto& [language, text] : order.reason) json.member(language, text);
  json.end_object().key("appeal").begin_object();
  json.member_if("url", order.appeal_url).member_if("email", order.appeal_email).end_object();
}

void write_grounds(JsonWriter& json, const Order& order) {
  if (!order.evidence_sha256.empty() || !order.assessed_at.empty()) {
    json.key("attribution").begin_object().member_if("evidence_sha256", order.evidence_sha256);
    json.member_if("assessed_at", order.assessed_at).end_object();
  }
  if (!order.host_notice_at.empty() || !order.not_notified.empty() || !order.justification.empty()) {
    json.key("necessity").begin_object().member_if("host_notice_at", order.host_notice_at);
    json.member_if("not_notified", order.not_notified).member_if("justification", order.justification).end_object();
  }
}

void write_publication(JsonWriter& json, const Order& order) {
  json.key("publication");
  if (order.publication == PublicationKind::Delayed) {
    json.begin_object().member("delayed_until", format_rfc3339(order.delayed_until)).end_object();
  } else {
    json.value(order.publication == PublicationKind::Full ? "full" : "lookup");
  }
}

}  // namespace

std::string_view to_string(Method method) noexcept {
  switch (method) {
    case Method::Dns: return "dns";
    case Method::Sni: return "sni";
    case Method::Quic: return "quic";
    case Method::Http: return "http";
  }
  return "?";
}

MethodSet method_from(std::string_view text) noexcept {
  for (const Method method : kMethods) {
    if (text == to_string(method)) return bit(method);
  }
  return 0;
}

std::string_view to_string(QtypeSet qtypes) noexcept {
  return qtypes == QtypeSet::Web ? "web" : "all";
}
std::string_view to_string(OrderAction action) noexcept {
  return action == OrderAction::Block ? "block" : "allow";
}
std::string_view to_string(Scope scope) noexcept {
  return scope == Scope::Exact ? "exact" : "subtree";
}

void append_order_line(std::string& out, const Order& order) {
  JsonWriter json(out);
  json.begin_object().member("order", order.id).member("action", to_string(order.action));
  json.member("number", order.number).member("authority", order.authority);
  write_basis(json, order);
  write_reason_and_appeal(json, order);
  json.key("methods").begin_array();
  for (const Method method : kMethods) {
    if ((order.methods & bit(method)) != 0) json.value(to_string(method));
  }
  json.end_array().member("qtypes", to_string(order.qtypes));
  json.member("effective", format_rfc3339(order.effective)).member("expires", format_rfc3339(order.expires));
  if (order.urgency == Urgency::Emergency) json.member("urgency", "emergency");
  json.member_if("renews", order.renews);
  write_grounds(json, order);
  write_publication(json, order);
  if (!order.overrides.empty()) {
    json.key("overrides").begin_array();
    for (const Override& o : order.overrides)
      json.begin_object().member("guard", o.guard).member("why", o.why).end_object();
    json.end_array();
  }
  json.end_object();
  out += '\n';
}

void append_target_line(std::string& out, const Target& target) {
  JsonWriter json(out);
  if (const auto* pattern = std::get_if<PatternTarget>(&target)) {
    json.begin_object().member("p", pattern->pattern).end_object();
  } else {
    const auto& named = std::get<NameTarget>(target);
    json.begin_object().member("n", named.name.text()).member("s", to_string(named.scope)).end_object();
  }
  out += '\n';
}

std::string write_snapshot(const Snapshot& snapshot) {
  SnapshotHeader header = snapshot.header;
  header.orders = snapshot.orders.size();
  header.targets = 0;
  for (const OrderWithTargets& order : snapshot.orders) header.targets += order.targets.size();
  std::string out;
  append_header_line(out, header);
  for (const OrderWithTargets& order : snapshot.orders) {
    append_order_line(out, order.order);
    for (const Target& target : order.targets) append_target_line(out, target);
  }
  return out;
}

}  // namespace sluice
