#include "control/daemon/operate.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "control/journal/journal.h"
#include "rules/text/json_fields.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

using Asked = Result<IntakeTask, std::string>;

/// Every member that one of the bodies may have.
struct Body {
  std::string feed, order, code, why;
  bool on = true;
  std::uint64_t confirm_within_s = 0;
};

Result<Body, std::string> read_body(const ApiRequest& request, std::initializer_list<std::string_view> known) {
  Body body;
  JsonDocument json;
  json.read(request.body, 1, [&](std::string_view key, JsonDocument::Value& value) {
    if (std::ranges::find(known, key) == known.end()) return false;
    if (key == "feed") return json.read_string(value, body.feed), true;
    if (key == "order") return json.read_string(value, body.order), true;
    if (key == "code") return json.read_string(value, body.code), true;
    if (key == "why") return json.read_string(value, body.why), true;
    if (key == "confirm_within_s") return json.read_u64(value, body.confirm_within_s), true;
    return value.get_bool().get(body.on) == simdjson::SUCCESS;
  });
  if (!json.ok()) return std::unexpected(to_string(json.error(), "body"));
  return body;
}

bool stands(const Intake& intake, const std::string& feed, const std::string& order) {
  return std::ranges::any_of(intake.view().feeds, [&](const FeedView& f) {
    return f.feed == feed &&
           (order.empty() || std::ranges::any_of(f.orders, [&](const OrderView& o) { return o.order.id == order; }));
  });
}

/// What became of it: the image, and whether every worker runs it.
ApiReply done(const Intake& intake, DataplaneWatch& watch) {
  const HandOver hand_over =
      intake.image_is_current() ? watch.hand_over() : HandOver{false, "not built yet: see alarms"};
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("image").begin_object().member("sha256", intake.view().image_sha256);
  json.member("outcome", hand_over.outcome).end_object().member("ok", hand_over.ok).end_object();
  return {200, out + "\n"};
}

/// A task that changes the state by one word about an order of a feed.
IntakeTask on_order(const std::string& what, uid_t uid, const Body& body,
                    std::function<StageAnswer(const Stage&, const Body&, UnixSeconds)> how) {
  return [=](Intake& intake, DataplaneWatch& watch, std::int64_t now_ns) {
    const UnixSeconds now = now_ns / 1'000'000'000;
    if (!stands(intake, body.feed, body.order)) {
      return api_error(404, "no such order stands: " + body.feed + " " + body.order);
    }
    const auto changed = intake.change([&](const Stage& stage) { return how(stage, body, now); }, now);
    if (!changed) return api_error(409, changed.error());
    log(LogLevel::Warning, what,
        {{"feed", body.feed},
         {"order", body.order},
         {"code", body.code},
         {"why", body.why},
         {"uid", std::to_string(uid)}});
    return done(intake, watch);
  };
}

Asked refuse(const ApiRequest& request) {
  auto body = read_body(request, {"feed", "order", "code", "why"});
  if (!body) return std::unexpected(body.error());
  return on_order("refused", request.uid, *body,
                  [uid = request.uid](const Stage& stage, const Body& b, UnixSeconds now) {
                    return stage.refuse({b.feed, b.order, b.code, b.why, now, uid});
                  });
}

Asked unrefuse(const ApiRequest& request) {
  auto body = read_body(request, {"feed", "order"});
  if (!body) return std::unexpected(body.error());
  return on_order("no longer refused", request.uid, *body,
                  [](const Stage& stage, const Body& b, UnixSeconds) { return stage.unrefuse(b.feed, b.order); });
}

Asked shadow(const ApiRequest& request) {
  auto body = read_body(request, {"feed", "order", "on"});
  if (!body) return std::unexpected(body.error());
  const bool on = body->on;
  return on_order(on ? "in shadow" : "no longer in shadow", request.uid, *body,
                  [on, uid = request.uid](const Stage& stage, const Body& b, UnixSeconds now) {
                    return stage.shadow({b.feed, b.order, now, uid}, on);
                  });
}

/// The feeds that a request without one speaks of: all that are on their way.
std::vector<std::string> feeds_of(const Intake& intake, const Body& body) {
  if (!body.feed.empty()) return {body.feed};
  std::vector<std::string> feeds;
  for (const StagedApply& staged : intake.view().apply.staged) feeds.push_back(staged.feed);
  return feeds;
}

/// A task that changes where feeds are on their way.
IntakeTask on_feeds(
    const std::string& what, uid_t uid, const Body& body,
    std::function<StageAnswer(const Stage&, const std::string& feed, const HealthSample&, UnixSeconds)> how) {
  return [=](Intake& intake, DataplaneWatch& watch, std::int64_t now_ns) {
    const UnixSeconds now = now_ns / 1'000'000'000;
    const auto feeds = feeds_of(intake, body);
    if (feeds.empty()) return api_error(409, "nothing is held back or watched: what stands is enforced");
    const HealthSample health = intake.health();
    for (const std::string& feed : feeds) {
      const auto changed = intake.change([&](const Stage& stage) { return how(stage, feed, health, now); }, now);
      if (!changed) return api_error(409, changed.error());
      log(LogLevel::Warning, what, {{"feed", feed}, {"uid", std::to_string(uid)}});
    }
    return done(intake, watch);
  };
}

Asked enforce(const ApiRequest& request) {
  auto body = read_body(request, {"feed", "confirm_within_s"});
  if (!body) return std::unexpected(body.error());
  if (body->confirm_within_s > 86400) return std::unexpected("confirm_within_s: at most a day");
  const auto within = static_cast<UnixSeconds>(body->confirm_within_s);
  return on_feeds("applied", request.uid, *body,
                  [within](const Stage& stage, const std::string& feed, const HealthSample& health, UnixSeconds now) {
                    return stage.enforce(feed, health, now, within);
                  });
}

Asked confirm(const ApiRequest& request) {
  auto body = read_body(request, {"feed"});
  if (!body) return std::unexpected(body.error());
  return on_feeds("confirmed", request.uid, *body,
                  [](const Stage& stage, const std::string& feed, const HealthSample&, UnixSeconds) {
                    return stage.confirm(feed);
                  });
}

Asked undo(const ApiRequest& request) {
  auto body = read_body(request, {"feed"});
  if (!body) return std::unexpected(body.error());
  return on_feeds("undone", request.uid, *body,
                  [](const Stage& stage, const std::string& feed, const HealthSample&, UnixSeconds now) {
                    return stage.undo(feed, now);
                  });
}

Asked stage(const ApiRequest& request) {
  if (!request.body.empty()) return std::unexpected("stage takes no body");
  return IntakeTask([](Intake& intake, DataplaneWatch& watch, std::int64_t now_ns) {
    auto bundles = intake.take_up_staged(now_ns);
    return ApiReply{200, apply_json({std::move(bundles), intake.view().image_sha256, watch.hand_over()})};
  });
}

Asked diff(const ApiRequest& request) {
  const auto feed = request.query.find("feed");
  return IntakeTask(
      [feed = feed == request.query.end() ? "" : feed->second](Intake& intake, DataplaneWatch&, std::int64_t) {
        auto changes = intake.diff(feed);
        return changes ? ApiReply{200, *std::move(changes)} : api_error(500, changes.error());
      });
}

}  // namespace

std::optional<Result<IntakeTask, std::string>> read_operator_request(const ApiRequest& request) {
  struct Route {
    std::string_view path;
    Asked (*read)(const ApiRequest&);
  };
  constexpr Route kRoutes[] = {{"/v1/refuse", refuse}, {"/v1/unrefuse", unrefuse}, {"/v1/shadow", shadow},
                               {"/v1/stage", stage},   {"/v1/apply", enforce},     {"/v1/confirm", confirm},
                               {"/v1/undo", undo}};
  if (request.method == "GET" && request.path == "/v1/diff") return diff(request);
  for (const Route& route : kRoutes) {
    if (request.method == "POST" && request.path == route.path) return route.read(request);
  }
  return {};
}

}  // namespace sluice
