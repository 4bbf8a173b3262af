#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rules/image/reader.h"
#include "rules/model/decide.h"

namespace sluice {

/// What an image enforces of one feed, order by order: what a staged bundle of that feed is held against. Views into
/// the image.
class PriorRules {
 public:
  /// Nothing stood.
  PriorRules() = default;
  PriorRules(const ImageView& base, std::string_view feed);
  PriorRules(const PriorRules&) = delete;
  PriorRules& operator=(const PriorRules&) = delete;

  /// An order as far as both its former version and this one block: of the targets what both cover, the methods and
  /// query types of both, not before either is effective, up to its expiry now (a renewal is no widening, and an end
  /// that was brought forward holds at once). Nothing where that is nothing.
  [[nodiscard]] std::optional<OrderWithTargets> common(const OrderWithTargets& now) const;

  /// The exceptions that stood, each with its targets.
  [[nodiscard]] std::vector<OrderWithTargets> allows() const;

 private:
  struct Targets {
    const OrderRecord* record = nullptr;
    std::unordered_map<std::string_view, unsigned> names;  ///< text → bit 1 << Scope
    std::unordered_set<std::string_view> patterns;
  };
  [[nodiscard]] static OrderWithTargets whole(const ImageView& base, const Targets& of);
  void add_names(const ImageView& base);
  void add_patterns(const ImageView& base);
  void add(const RefRecord& ref, std::string_view text, bool pattern);

  std::unordered_map<std::uint32_t, Targets> by_record_;  ///< index of the order in the image
  std::unordered_map<std::string_view, const Targets*> blocks_;
  std::vector<OrderWithTargets> allows_;
};

/// Puts the feed's blocks in shadow, but for what stood already, and leaves the exceptions that stood in force: the
/// feed then blocks nothing that it did not block before, and all that it blocked and still orders. Orders that are
/// refused or in shadow already stay so.
void stage_feed(Feed& feed, const PriorRules& standing);

}  // namespace sluice
