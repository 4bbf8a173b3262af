#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bpf/wire/wire.h"
#include "control/daemon/view.h"
#include "control/store/alarms.h"
#include "control/tally/tally.h"

namespace sluice {

/// Everything that GET /v1/status shows.
struct StatusFacts {
  UnixSeconds now = 0, started = 0;
  std::shared_ptr<const RulesView> rules;
  std::shared_ptr<const DataplaneView> dataplane;
  std::optional<Tally> tally;         ///< nothing: no data plane has run
  std::vector<InterfaceStatus> wire;  ///< empty: no wire is attached
  std::vector<Alarm> alarms;
};

// The bodies of the answers, as docs/interfaces.md lists them; each ends in a newline.

[[nodiscard]] std::string status_json(const StatusFacts& facts);

struct WhyQuestion {
  std::string name;              ///< canonical
  std::optional<Method> method;  ///< nothing: the first of dns, sni, quic, http that blocks
  std::uint16_t qtype = 1;
};
/// Asks the very image that the workers run. Loop thread only.
[[nodiscard]] std::string why_json(const RulesView& rules, const WhyQuestion& question, UnixSeconds now);

/// `feed`: empty = all.
[[nodiscard]] std::string orders_json(const RulesView& rules, const std::optional<Tally>& tally,
                                      const std::string& feed, UnixSeconds now);

/// "A", "https", "65", "TYPE65" → 65 (IANA names of the types that orders and people speak of).
[[nodiscard]] std::optional<std::uint16_t> qtype_from(std::string_view text);

/// What becomes of each order: "enforced", "shadow", "partly" (of a change that is staged the old part is enforced),
/// "refused" by the operator, "left-out" otherwise. Borrows the view.
class OrderStates {
 public:
  explicit OrderStates(const RulesView& view);
  [[nodiscard]] std::string_view of(std::string_view feed, std::string_view order) const;

 private:
  static constexpr unsigned kEnforced = 1, kInShadow = 2;
  const RulesView& view_;
  std::map<std::pair<std::string_view, std::string_view>, unsigned> in_image_;
};

/// active | expired (the bundle is past its date: its orders stay) | none
[[nodiscard]] std::string_view feed_condition(const FeedView& feed, UnixSeconds now);

}  // namespace sluice
