#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "control/daemon/acknowledge.h"
#include "control/daemon/view.h"
#include "control/ledger/lookup.h"
#include "control/ledger/order_log.h"
#include "control/store/alarms.h"
#include "dataplane/base/result.h"
#include "rules/text/config.h"

namespace sluice {

/// What the log says besides bundles and their orders.
struct RootChanged {
  std::string feed;
  std::string text;  ///< root.json
};
/// A guard that somebody set aside: the signed order itself is logged with its overrides by enforce().
struct GuardOverridden {
  std::string feed;
  std::string order;  ///< empty: the whole bundle (G7)
  std::string guard, why;
};
using LedgerEvent = std::variant<RootChanged, GuardOverridden>;

/// The gateway's log (feed.md 4): what is enforced here, and what was refused. Written before anything is enforced.
/// Used by the intake's thread alone. Its errors are one line, raise the alarm `log-failed`, and pass with the next
/// call that succeeds.
class Ledger {
 public:
  /// True where every worker enforces this release of the feed.
  using InForce = std::function<bool(const std::string& feed, const Book::Release& release)>;

  /// Without `in_force` no bundle is ever acknowledged.
  Ledger(const Config& config, Alarms& alarms, InForce in_force = {});

  /// To be called before a bundle is kept, and whenever what of it is enforced changes (an operator refuses an order,
  /// or takes that back): afterwards the log says that exactly `what` is enforced of its feed. Adds nothing where it
  /// says so already.
  Result<Logged, std::string> enforce(const Enforced& what, UnixSeconds now);
  /// A root that the log has already is not logged again.
  Result<void, std::string> record(std::span<const LedgerEvent> events, UnixSeconds now);
  /// What time alone brings: receipts of what is in force by now, and delayed publications.
  void tick(UnixSeconds now);

  /// Any thread: the answer to GET /lookup?name= (control/ledger/lookup.h); nothing where that is no name.
  [[nodiscard]] std::optional<std::string> lookup(const std::string& name) const;
  /// Any thread: the answer to GET /v1/receipts.
  [[nodiscard]] std::string receipts_json(const std::string& feed) const;

 private:
  /// What /lookup answers from.
  struct Lookups {
    std::vector<LookupOrder> orders;
    std::filesystem::path lists;
    std::optional<PrivateFiles> secrets;
  };
  Result<OrderLog*, std::string> open();
  void show_lookups();
  Result<void, std::string> acknowledge(UnixSeconds now);
  template <class T>
  Result<T, std::string> settle(Result<T, std::string> result, UnixSeconds now);

  const Config& config_;
  Alarms& alarms_;
  InForce in_force_;
  Acknowledger acknowledger_;
  Latest<Lookups> lookups_;
  std::optional<OrderLog> log_;
  bool failed_ = false;  ///< the alarm is up
  UnixSeconds next_tick_ = 0;
};

}  // namespace sluice
