#include "control/ctl/live.h"

#include <unistd.h>

#include <ctime>
#include <iostream>

#include "bpf/wire/wire.h"
#include "control/ctl/client.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ctl/show.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

std::int64_t now_s() {
  return static_cast<std::int64_t>(std::time(nullptr));
}

/// Prints the answer, as it is or as `show` makes it; the exit code says whether it was a good one.
template <class Show>
int print(const LiveOptions& options, const Result<HttpAnswer, std::string>& answer, Show&& show) {
  if (!answer) return complain(answer.error(), kOutOfReach);
  if (answer->status != 200) {
    const std::string why = show_error(answer->body);
    return complain(why.empty() ? "HTTP status " + std::to_string(answer->status) : why, kAnswerIsNo);
  }
  const std::string text = options.json ? answer->body : show(answer->body);
  if (text.empty()) return complain("sluiced answered with something else", kAnswerIsNo);
  std::cout << text;
  return kFine;
}

int bypass_by_hand(const LiveOptions& options, const std::string& why, bool on) {
  const auto set = set_bypass(Pins(options.wire), on);
  if (!set) return complain(why + "; and at " + options.wire + ": " + set.error().text, kAnswerIsNo);
  std::cout << (options.json
                    ? std::string(R"({"bypass":)") + (on ? "true" : "false") + R"(,"by":"sluicectl"})"
                    : std::string("bypass ") + (on ? "on" : "off") + " (set directly: sluiced is out of reach)")
            << '\n';
  return kFine;
}

}  // namespace

int run_status(const LiveOptions& options, bool causes) {
  return print(options, ask_sluiced(options.socket, "GET", "/v1/status", {}, ""),
               [&](const std::string& body) { return show_status(body, now_s(), causes); });
}

int run_why(const LiveOptions& options, const std::string& name, const std::string& method, const std::string& qtype) {
  std::map<std::string, std::string> query{{"name", name}};
  if (!method.empty()) query["method"] = method;
  if (!qtype.empty()) query["qtype"] = qtype;
  return print(options, ask_sluiced(options.socket, "GET", "/v1/why", query, ""),
               [](const std::string& body) { return show_why(body, now_s()); });
}

int run_orders(const LiveOptions& options, const std::string& feed) {
  std::map<std::string, std::string> query;
  if (!feed.empty()) query["feed"] = feed;
  return print(options, ask_sluiced(options.socket, "GET", "/v1/orders", query, ""),
               [](const std::string& body) { return show_orders(body); });
}

int print_outcome(const LiveOptions& options, std::string_view method, std::string_view path,
                  const std::map<std::string, std::string>& query, const std::string& body,
                  std::string (*show)(std::string_view json)) {
  const auto answer = ask_sluiced(options.socket, method, path, query, body);
  const int code = print(options, answer, show);
  return code == kFine && answer->body.find(R"("ok":false)") != std::string::npos ? kAnswerIsNo : code;
}

int run_apply(const LiveOptions& options) {
  return print_outcome(options, "POST", "/v1/apply", {}, "", show_apply);
}

int run_alarms(const LiveOptions& options) {
  return print(options, ask_sluiced(options.socket, "GET", "/v1/alarms", {}, ""),
               [](const std::string& body) { return show_alarms(body, now_s()); });
}

int run_ack(const LiveOptions& options, const std::string& code, const std::string& feed) {
  std::string body;
  JsonWriter(body).begin_object().member("code", code).member("feed", feed).end_object();
  return print(options, ask_sluiced(options.socket, "POST", "/v1/ack", {}, body),
               [&](const std::string&) { return "acknowledged: " + code + (feed.empty() ? "" : " " + feed) + "\n"; });
}

int run_bypass(const LiveOptions& options, bool on) {
  const auto answer = ask_sluiced(options.socket, "POST", "/v1/bypass", {}, on ? R"({"on":true})" : R"({"on":false})");
  if (!answer && ::geteuid() == 0) return bypass_by_hand(options, answer.error(), on);
  return print(options, answer, [&](const std::string&) { return std::string("bypass ") + (on ? "on\n" : "off\n"); });
}

int run_export_live(const LiveOptions& options, const std::string& zone, const std::string& out) {
  const auto answer = ask_sluiced(options.socket, "GET", "/v1/export/rpz", {{"zone", zone}}, "");
  if (!answer || answer->status != 200 || out.empty()) {
    return print(options, answer, [](const std::string& body) { return body; });
  }
  return write_output(out, answer->body, 0644, true) ? kFine : kAnswerIsNo;
}

}  // namespace sluice
