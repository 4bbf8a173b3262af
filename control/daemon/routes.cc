#include "control/daemon/routes.h"

#include "control/daemon/alarm_routes.h"
#include "control/daemon/answers.h"
#include "control/daemon/operate.h"
#include "control/daemon/wall_clock.h"
#include "control/journal/journal.h"
#include "rules/model/name.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/json_fields.h"

namespace sluice {
namespace {

std::string argument(const ApiRequest& request, const std::string& key) {
  const auto it = request.query.find(key);
  return it == request.query.end() ? "" : it->second;
}

std::optional<Tally> tally_of(const Config& config) {
  auto tally = read_tally(config.counters);
  return tally ? std::optional(*std::move(tally)) : std::nullopt;
}

std::optional<Method> one_method(std::string_view text) {
  for (const Method method : {Method::Dns, Method::Sni, Method::Quic, Method::Http}) {
    if (to_string(method) == text) return method;
  }
  return {};
}

}  // namespace

std::optional<bool> read_bypass_request(std::string_view body) {
  std::optional<bool> on;
  JsonDocument json;
  json.read(body, 1, [&](std::string_view key, JsonDocument::Value& value) {
    bool b = false;
    if (key != "on" || value.get_bool().get(b) != simdjson::SUCCESS) return false;
    on = b;
    return true;
  });
  return json.ok() ? on : std::nullopt;
}

std::optional<ApiReply> Routes::handle(const ApiRequest& request, ApiServer::Ticket ticket) const {
  const bool get = request.method == "GET";
  if (get && request.path == "/v1/status") return status();
  if (get && request.path == "/v1/why") return why(request);
  if (get && request.path == "/v1/orders") return orders(request);
  if (get && request.path == "/v1/receipts") {
    const std::string feed = argument(request, "feed");
    if (!feed.empty() && from_.config.find(feed) == nullptr) return api_error(404, "no such feed: " + feed);
    return ApiReply{200, from_.receipts(feed)};
  }
  if (get && request.path == "/v1/export/rpz") {
    auto zone = canonical_name(request.query.contains("zone") ? argument(request, "zone") : "rpz.sluice");
    if (!zone) return api_error(400, "zone: " + std::string(to_string(zone.error())));
    from_.export_zone(ticket, *std::move(zone));
    return {};
  }
  if (!get && request.path == "/v1/apply" && request.body.empty()) {
    from_.apply(ticket);
    return {};
  }
  if (auto asked = read_operator_request(request)) {
    if (!*asked) return api_error(400, asked->error());
    from_.in_intake(ticket, **std::move(asked));
    return {};
  }
  if (get && request.path == "/v1/alarms") return alarms_reply(from_.alarms.list());
  if (!get && request.path == "/v1/ack") return acknowledge(from_.alarms, request);
  if (!get && request.path == "/v1/bypass") return bypass(request);
  return api_error(404, "no such request: " + request.method + " " + request.path);
}

ApiReply Routes::status() const {
  StatusFacts facts;
  facts.now = now_s();
  facts.started = started_;
  facts.rules = from_.rules.get();
  facts.dataplane = from_.dataplane.get();
  facts.tally = tally_of(from_.config);
  if (auto wire = sluice::status(Pins(from_.config.wire))) facts.wire = *std::move(wire);
  facts.alarms = from_.alarms.list();
  return {200, status_json(facts)};
}

ApiReply Routes::why(const ApiRequest& request) const {
  const auto name = canonical_name(argument(request, "name"));
  if (!name) return api_error(400, "name: " + std::string(to_string(name.error())));
  WhyQuestion question{name->text(), {}, 1};
  if (const std::string method = argument(request, "method"); !method.empty()) {
    question.method = one_method(method);
    if (!question.method) return api_error(400, "method: dns, sni, quic or http");
  }
  if (const std::string qtype = argument(request, "qtype"); !qtype.empty()) {
    const auto number = qtype_from(qtype);
    if (!number) return api_error(400, "qtype: a name such as AAAA, or a number");
    question.qtype = *number;
  }
  const auto rules = from_.rules.get();
  if (rules->rules == nullptr) return api_error(503, "no rule image: nothing is enforced");
  return {200, why_json(*rules, question, now_s())};
}

ApiReply Routes::orders(const ApiRequest& request) const {
  const std::string feed = argument(request, "feed");
  if (!feed.empty() && from_.config.find(feed) == nullptr) return api_error(404, "no such feed: " + feed);
  return {200, orders_json(*from_.rules.get(), tally_of(from_.config), feed, now_s())};
}

ApiReply Routes::bypass(const ApiRequest& request) const {
  const auto on = read_bypass_request(request.body);
  if (!on) return api_error(400, R"(the body must be {"on":true} or {"on":false})");
  const auto set = set_bypass(Pins(from_.config.wire), *on);
  if (!set) return api_error(409, set.error().text);
  log(LogLevel::Warning, *on ? "bypass on: nothing is enforced" : "bypass off", {{"uid", std::to_string(request.uid)}});
  return {200, std::string(R"({"bypass":)") + (*on ? "true" : "false") + "}\n"};
}

}  // namespace sluice
