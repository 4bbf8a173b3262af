#pragma once

#include <functional>
#include <optional>

#include "control/api/server.h"
#include "control/daemon/view.h"
#include "control/daemon/watch.h"
#include "control/daemon/worker.h"
#include "control/store/alarms.h"
#include "rules/text/config.h"

namespace sluice {

/// Answers the requests of docs/interfaces.md from what the other threads have published. Lives in the loop's thread.
class Routes {
 public:
  struct Sources {
    const Config& config;
    const Latest<RulesView>& rules;
    const Latest<DataplaneView>& dataplane;
    Alarms& alarms;
    std::function<std::string(const std::string& feed)> receipts;  ///< GET /v1/receipts
    std::function<void(ApiServer::Ticket)> apply;                  ///< answered later
    std::function<void(ApiServer::Ticket, Name)> export_zone;      ///< answered later
    std::function<void(ApiServer::Ticket, IntakeTask)> in_intake;  ///< answered later
  };
  explicit Routes(Sources sources, UnixSeconds started) : from_(std::move(sources)), started_(started) {}

  std::optional<ApiReply> handle(const ApiRequest& request, ApiServer::Ticket ticket) const;

 private:
  [[nodiscard]] ApiReply status() const;
  [[nodiscard]] ApiReply why(const ApiRequest& request) const;
  [[nodiscard]] ApiReply orders(const ApiRequest& request) const;
  [[nodiscard]] ApiReply bypass(const ApiRequest& request) const;

  Sources from_;
  UnixSeconds started_;
};

/// {"on":true} → true; nothing where the body is not exactly that.
[[nodiscard]] std::optional<bool> read_bypass_request(std::string_view body);

}  // namespace sluice
