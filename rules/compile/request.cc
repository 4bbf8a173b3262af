#include "rules/compile/request.h"

#include "rules/text/json_fields.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

void read_signatures(JsonDocument& json, JsonDocument::Value& list, BundlePaths& out) {
  json.read_array(list, [&](JsonDocument::Value& item) { json.read_string(item, out.signatures.emplace_back()); });
}

void read_root(JsonDocument& json, JsonDocument::Value& value, BundlePaths& out) {
  json.read_object(value, [&](std::string_view key, JsonDocument::Value& field) {
    if (key == "root") return json.read_string(field, out.bundle), true;
    if (key == "signatures") return read_signatures(json, field, out), true;
    return false;
  });
}

void read_bundle(JsonDocument& json, JsonDocument::Value& value, FeedBundle& out) {
  json.read_object(value, [&](std::string_view key, JsonDocument::Value& field) {
    if (key == "feed") {
      json.read_string(field, out.feed);
    } else if (key == "bundle") {
      json.read_string(field, out.paths.bundle);
    } else if (key == "delta") {
      json.read_string(field, out.paths.delta);
    } else if (key == "signatures") {
      read_signatures(json, field, out.paths);
    } else if (key == "roots") {
      json.read_array(field, [&](JsonDocument::Value& item) { read_root(json, item, out.roots.emplace_back()); });
    } else {
      return false;
    }
    return true;
  });
}

void read_refs(JsonDocument& json, JsonDocument::Value& list, std::vector<OrderRef>& out) {
  json.read_array(list, [&](JsonDocument::Value& item) {
    OrderRef& ref = out.emplace_back();
    json.read_object(item, [&](std::string_view key, JsonDocument::Value& field) {
      if (key == "feed") return json.read_string(field, ref.feed), true;
      if (key == "order") return json.read_string(field, ref.order), true;
      return false;
    });
  });
}

void read_staged(JsonDocument& json, JsonDocument::Value& list, std::vector<StagedFeed>& out) {
  json.read_array(list, [&](JsonDocument::Value& item) {
    StagedFeed& staged = out.emplace_back();
    json.read_object(item, [&](std::string_view key, JsonDocument::Value& field) {
      if (key == "feed") return json.read_string(field, staged.feed), true;
      if (key == "base") return json.read_string(field, staged.base), true;
      return false;
    });
  });
}

}  // namespace

Result<CompileRequest, std::string> read_request(std::string_view text) {
  JsonDocument json;
  CompileRequest out;
  json.read(text, 1, [&](std::string_view key, JsonDocument::Value& value) {
    if (key == "bundles") {
      json.read_array(value, [&](JsonDocument::Value& item) { read_bundle(json, item, out.bundles.emplace_back()); });
    } else if (key == "out") {
      json.read_string(value, out.out);
    } else if (key == "refused") {
      read_refs(json, value, out.refused);
    } else if (key == "shadow") {
      read_refs(json, value, out.shadow);
    } else if (key == "staged") {
      read_staged(json, value, out.staged);
    } else {
      return false;
    }
    return true;
  });
  if (!json.ok()) return std::unexpected(to_string(json.error(), "request"));
  if (out.out.empty()) return std::unexpected(std::string("request: no \"out\""));
  return out;
}

std::string write_answer(const CompileOutcome& outcome) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().member("ok", outcome.has_value());
  if (outcome.has_value()) {
    json.member("image", outcome->path).member("sha256", outcome->sha256).member("orders", outcome->orders);
    json.member("names", outcome->names).member("patterns", outcome->patterns).member("refused", outcome->refused);
    json.member("seconds", outcome->seconds);
  } else {
    const CompileFailure& failure = outcome.error();
    json.member("feed", failure.feed).member("error", failure.code).member("detail", failure.detail);
  }
  json.end_object();
  return text;
}

}  // namespace sluice
