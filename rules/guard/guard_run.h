#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "rules/guard/guard.h"
#include "rules/model/order.h"

namespace sluice {

inline constexpr std::size_t kNoTarget = SIZE_MAX;

/// Why an order is not applied. The first reason of each kind of place is kept, see GuardOptions.
struct GuardRefusal {
  std::string code;  ///< "G1" … "G8", or "PATTERN"
  std::string order;
  std::string
      target;  ///< as a target reads: "news.example.org", or the pattern; empty where the order itself is at fault
  std::string detail;                                     ///< why
  std::string instead;                                    ///< what an author can do
  std::size_t order_index = 0, target_index = kNoTarget;  ///< in the bundle, from 0
};

/// A soft guard that an order overrides.
struct GuardOverride {
  std::string guard, order, target, why;
  bool wants_second_signature = false;  ///< a whole platform: two independent parties must sign the bundle
};

/// How much of the lists a pattern or a subtree would hit.
struct Blast {
  std::uint64_t popular = 0;  ///< popular names and shared platforms
  std::uint64_t ordinary = 0;
  std::vector<std::string> examples;  ///< at most kBlastExamples
};
inline constexpr std::size_t kBlastExamples = 5;
struct TargetBlast {
  std::string order, target;
  bool pattern = false;
  Blast blast;
  std::size_t order_index = 0, target_index = 0;
};

struct GuardReport {
  std::vector<GuardRefusal> refusals;    ///< in the order of the bundle, patterns last
  std::set<std::string> refused;         ///< ids of those orders
  std::vector<GuardOverride> overrides;  ///< of orders that are not refused
  std::vector<TargetBlast> blast;        ///< of each pattern, and of each subtree that hits something
};

struct GuardOptions {
  /// Refusals kept of one order: a gateway needs one, an author all.
  std::size_t refusals_per_order = 1;
  bool blast = false;  ///< fill GuardReport::blast
  /// An order that ended before is refused (G8). A gateway leaves it out: such an order ends by itself.
  std::optional<UnixSeconds> now = {};
};

/// Guards G1, G2, G4, G5, G6 and G8 over the orders of one bundle (feed.md 3), as a stream: order() and then its
/// targets, one after the other, finish() last. One refused order never touches another. `allow` orders narrow, so
/// of them only G8 is asked. Depends on nothing but its arguments: sluiced and sluice-compile come to the same.
class GuardRun {
 public:
  explicit GuardRun(const Guard& guard, const GuardOptions& options = {});
  ~GuardRun();
  GuardRun(GuardRun&&) noexcept;
  GuardRun& operator=(GuardRun&&) noexcept;

  void order(const Order& order);
  void target(const Target& target);
  /// `independent_signatures`: distinct independent keys that signed the bundle; nothing: not signed yet, so what needs
  /// a second one is not refused for want of it.
  [[nodiscard]] GuardReport finish(std::optional<unsigned> independent_signatures);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The same for a bundle in memory.
[[nodiscard]] GuardReport run_guards(const Guard& guard, std::span<const OrderWithTargets> orders,
                                     std::optional<unsigned> independent_signatures, const GuardOptions& options = {});

}  // namespace sluice
