#include "control/ctl/operate.h"

#include "control/ctl/show.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

std::string body_of_feed(const std::string& feed, std::int64_t within_s = 0) {
  if (feed.empty() && within_s == 0) return "{}";
  std::string body;
  JsonWriter json(body);
  json.begin_object().member_if("feed", feed);
  if (within_s > 0) json.member("confirm_within_s", within_s);
  json.end_object();
  return body;
}

int post(const LiveOptions& options, const char* path, const std::string& body) {
  return print_outcome(options, "POST", path, {}, body, show_apply);
}

}  // namespace

int run_refuse(const LiveOptions& options, const std::string& feed, const std::string& order, const std::string& code,
               const std::string& why) {
  std::string body;
  JsonWriter json(body);
  json.begin_object().member("feed", feed).member("order", order).member("code", code).member("why", why).end_object();
  return post(options, "/v1/refuse", body);
}

int run_unrefuse(const LiveOptions& options, const std::string& feed, const std::string& order) {
  std::string body;
  JsonWriter(body).begin_object().member("feed", feed).member("order", order).end_object();
  return post(options, "/v1/unrefuse", body);
}

int run_shadow(const LiveOptions& options, const std::string& feed, const std::string& order, bool on) {
  std::string body;
  JsonWriter(body).begin_object().member("feed", feed).member_if("order", order).member("on", on).end_object();
  return post(options, "/v1/shadow", body);
}

int run_stage(const LiveOptions& options) {
  return post(options, "/v1/stage", "");
}
int run_enforce(const LiveOptions& options, const std::string& feed, std::int64_t within_s) {
  return post(options, "/v1/apply", body_of_feed(feed, within_s));
}
int run_confirm(const LiveOptions& options, const std::string& feed) {
  return post(options, "/v1/confirm", body_of_feed(feed));
}
int run_undo(const LiveOptions& options, const std::string& feed) {
  return post(options, "/v1/undo", body_of_feed(feed));
}
int run_diff(const LiveOptions& options, const std::string& feed) {
  std::map<std::string, std::string> query;
  if (!feed.empty()) query["feed"] = feed;
  return print_outcome(options, "GET", "/v1/diff", query, "", show_diff);
}

}  // namespace sluice
