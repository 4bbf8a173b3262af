#include "control/daemon/alarm_routes.h"

#include "control/journal/journal.h"
#include "rules/text/json_fields.h"
#include "rules/text/rfc3339.h"

namespace sluice {

void write_alarm(JsonWriter& json, const Alarm& alarm) {
  json.begin_object().member("code", alarm.code).member("feed", alarm.feed).member("detail", alarm.detail);
  json.member("since", format_rfc3339(alarm.since)).member("count", alarm.count);
  json.member("stays", stays(alarm.code)).end_object();
}

ApiReply alarms_reply(const std::vector<Alarm>& alarms) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("alarms").begin_array();
  for (const Alarm& alarm : alarms) write_alarm(json, alarm);
  json.end_array().end_object();
  return {200, out + "\n"};
}

ApiReply acknowledge(Alarms& alarms, const ApiRequest& request) {
  std::string code, feed;
  JsonDocument json;
  json.read(request.body, 1, [&](std::string_view key, JsonDocument::Value& value) {
    if (key == "code") return json.read_string(value, code), true;
    if (key == "feed") return json.read_string(value, feed), true;
    return false;
  });
  if (!json.ok()) return api_error(400, to_string(json.error(), "body"));
  if (code.empty()) return api_error(400, "the body must be {\"code\":…} or {\"code\":…,\"feed\":…}");
  if (!stays(code)) return api_error(409, code + " ends by itself, once what it tells of is over");
  if (!alarms.acknowledge(code, feed))
    return api_error(404, "no such alarm: " + code + (feed.empty() ? "" : " " + feed));
  log(LogLevel::Warning, "alarm acknowledged", {{"code", code}, {"feed", feed}, {"uid", std::to_string(request.uid)}});
  return {200, "{\"acknowledged\":true}\n"};
}

}  // namespace sluice
