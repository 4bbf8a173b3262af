#pragma once

#include <string>
#include <vector>

#include "control/api/server.h"
#include "control/store/alarms.h"
#include "rules/text/json_writer.h"

namespace sluice {

/// The members of one alarm, as an object.
void write_alarm(JsonWriter& json, const Alarm& alarm);
/// GET /v1/alarms: all of them.
[[nodiscard]] ApiReply alarms_reply(const std::vector<Alarm>& alarms);
/// POST /v1/ack {"code","feed"}: takes an alarm away that stays until then. 404 where there is no such alarm, 409 where
/// it is of a kind that ends by itself.
[[nodiscard]] ApiReply acknowledge(Alarms& alarms, const ApiRequest& request);

}  // namespace sluice
