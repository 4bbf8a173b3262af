#include "control/stage/apply_state.h"

#include <algorithm>
#include <array>
#include <optional>

#include "rules/text/json_fields.h"
#include "rules/text/json_writer.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

constexpr std::string_view kSchema = "sluice/apply/1";
constexpr std::array<Phase, 5> kPhases{Phase::Soaking, Phase::Waiting, Phase::Watched, Phase::Undone, Phase::Held};

/// A time that may be none: 0 is written as the empty text.
std::string time_text(UnixSeconds at) {
  return at == 0 ? "" : format_rfc3339(at);
}

void read_time(JsonDocument& json, JsonDocument::Value& value, UnixSeconds& out) {
  const char* const at = JsonDocument::place(value);
  std::string text;
  json.read_string(value, text);
  if (!json.ok() || text.empty()) return;
  if (const auto time = parse_rfc3339(text)) {
    out = *time;
  } else {
    json.fail_at(at, "expected a time");
  }
}

void read_refused(JsonDocument& json, JsonDocument::Value& item, RefusedOrder& out) {
  json.read_object(item, [&](std::string_view key, JsonDocument::Value& value) {
    if (key == "feed") return json.read_string(value, out.feed), true;
    if (key == "order") return json.read_string(value, out.order), true;
    if (key == "code") return json.read_string(value, out.code), true;
    if (key == "why") return json.read_string(value, out.why), true;
    if (key == "since") return read_time(json, value, out.since), true;
    if (key == "uid") return json.read_u64(value, out.uid), true;
    return false;
  });
}

void read_shadow(JsonDocument& json, JsonDocument::Value& item, ShadowedOrder& out) {
  json.read_object(item, [&](std::string_view key, JsonDocument::Value& value) {
    if (key == "feed") return json.read_string(value, out.feed), true;
    if (key == "order") return json.read_string(value, out.order), true;
    if (key == "since") return read_time(json, value, out.since), true;
    if (key == "uid") return json.read_u64(value, out.uid), true;
    return false;
  });
}

void read_phase(JsonDocument& json, JsonDocument::Value& value, Phase& out) {
  const char* const at = JsonDocument::place(value);
  std::string text;
  json.read_string(value, text);
  const auto known = std::ranges::find_if(kPhases, [&](Phase phase) { return to_string(phase) == text; });
  if (known != kPhases.end()) {
    out = *known;
  } else if (json.ok()) {
    json.fail_at(at, "not a phase");
  }
}

void read_staged(JsonDocument& json, JsonDocument::Value& item, StagedApply& out) {
  json.read_object(item, [&](std::string_view key, JsonDocument::Value& value) {
    if (key == "feed") return json.read_string(value, out.feed), true;
    if (key == "phase") return read_phase(json, value, out.phase), true;
    if (key == "base") return json.read_string(value, out.base), true;
    if (key == "since") return read_time(json, value, out.since), true;
    if (key == "until") return read_time(json, value, out.until), true;
    if (key == "confirm_by") return read_time(json, value, out.confirm_by), true;
    if (key == "blocked_ppm") return json.read_u64(value, out.before.blocked_ppm), true;
    if (key == "observed_ppm") return json.read_u64(value, out.before.observed_ppm), true;
    if (key == "dropped_ppm") return json.read_u64(value, out.before.dropped_ppm), true;
    if (key == "why") return json.read_string(value, out.why), true;
    return false;
  });
}

bool read_bool(JsonDocument& json, JsonDocument::Value& value, bool& out) {
  const char* const at = JsonDocument::place(value);
  if (value.get_bool().get(out) != simdjson::SUCCESS) json.fail_at(at, "expected true or false");
  return true;
}

}  // namespace

std::string_view to_string(Phase phase) noexcept {
  switch (phase) {
    case Phase::Soaking: return "soaking";
    case Phase::Waiting: return "waiting";
    case Phase::Watched: return "watched";
    case Phase::Undone: return "undone";
    case Phase::Held: return "held";
  }
  return "";
}

const StagedApply* find_staged(const ApplyState& state, std::string_view feed) noexcept {
  const auto at = std::ranges::find(state.staged, feed, &StagedApply::feed);
  return at == state.staged.end() ? nullptr : &*at;
}

const RefusedOrder* find_refused(const ApplyState& state, std::string_view feed, std::string_view order) noexcept {
  const auto at = std::ranges::find_if(
      state.refused, [&](const RefusedOrder& refused) { return refused.feed == feed && refused.order == order; });
  return at == state.refused.end() ? nullptr : &*at;
}

std::string write_apply_state(const ApplyState& state) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("schema", kSchema).member("image_due", state.image_due).key("refused").begin_array();
  for (const RefusedOrder& r : state.refused) {
    json.begin_object().member("feed", r.feed).member("order", r.order).member("code", r.code).member("why", r.why);
    json.member("since", time_text(r.since)).member("uid", r.uid).end_object();
  }
  json.end_array().key("shadow").begin_array();
  for (const ShadowedOrder& s : state.shadow) {
    json.begin_object().member("feed", s.feed).member("order", s.order).member("since", time_text(s.since));
    json.member("uid", s.uid).end_object();
  }
  json.end_array().key("staged").begin_array();
  for (const StagedApply& s : state.staged) {
    json.begin_object().member("feed", s.feed).member("phase", to_string(s.phase)).member("base", s.base);
    json.member("since", time_text(s.since)).member("until", time_text(s.until));
    json.member("confirm_by", time_text(s.confirm_by)).member("blocked_ppm", s.before.blocked_ppm);
    json.member("observed_ppm", s.before.observed_ppm).member("dropped_ppm", s.before.dropped_ppm);
    json.member("why", s.why).end_object();
  }
  json.end_array().end_object();
  return out + "\n";
}

Result<ApplyState, std::string> read_apply_state(std::string_view text) {
  ApplyState state;
  std::string schema;
  JsonDocument json;
  json.read(text, 1, [&](std::string_view key, JsonDocument::Value& value) {
    if (key == "schema") return json.read_string(value, schema), true;
    if (key == "image_due") return read_bool(json, value, state.image_due);
    const auto list = [&](auto& to, auto&& read) {
      json.read_array(value, [&](JsonDocument::Value& item) { read(json, item, to.emplace_back()); });
      return true;
    };
    if (key == "refused") return list(state.refused, read_refused);
    if (key == "shadow") return list(state.shadow, read_shadow);
    if (key == "staged") return list(state.staged, read_staged);
    return false;
  });
  if (!json.ok()) return std::unexpected(to_string(json.error(), "apply.json"));
  if (schema != kSchema) return std::unexpected("apply.json: not of schema " + std::string(kSchema));
  return state;
}

}  // namespace sluice
