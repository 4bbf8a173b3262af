#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "bpf/wire/wire.h"
#include "control/ledger/order_log.h"
#include "control/ledger/receipt.h"
#include "rules/text/config.h"

namespace sluice {

/// Writes a receipt for each bundle once it is enforced, signed with the gateway's key (STATE/gateway.key, made where
/// missing; STATE/gateway.pub for the authority to pin). Used by the intake's thread alone.
class Acknowledger {
 public:
  explicit Acknowledger(const Config& config);

  /// Every second or so: what the steer programs count, and whether the bypass is on.
  void measure(const std::vector<InterfaceStatus>& wire, UnixSeconds now);
  /// The feed's latest release is enforced: its receipt, where there is none yet. The error is one line.
  Result<void, std::string> acknowledge(const OrderLog& log, const std::string& feed, UnixSeconds now);

  [[nodiscard]] const ReceiptFiles& files() const noexcept { return files_; }

 private:
  Result<void, std::string> load_key();
  void load_meter();
  Result<void, std::string> save_meter() const;

  const Config& config_;
  ReceiptFiles files_;
  std::optional<MinisignSecretKey> key_;
  std::map<std::string, Uninspected> since_;                                     ///< the last receipt of each feed
  std::map<std::string, std::array<std::uint64_t, SLUICE_WIRE_COUNTERS>> last_;  ///< packets, by interface
  UnixSeconds measured_ = 0, saved_ = 0;
};

}  // namespace sluice
