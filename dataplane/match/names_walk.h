#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/wire_name.h"
#include "dataplane/match/matcher.h"
#include "rules/image/reader.h"
#include "rules/model/name.h"

namespace sluice {

/// A target name that is a looked-up name or one of its ancestors.
struct NameHit {
  std::uint32_t refs;    ///< index of its RefList
  std::uint16_t length;  ///< bytes of the target name
  std::uint16_t next;    ///< next hit of the same name, or kNoHit
};

/// Hits of one batch: a chain for each name. A worker's own; big, so not on the stack.
struct NameHits {
  static constexpr std::uint16_t kNoHit = 0xffff;
  std::array<std::uint16_t, RuleSet::kBatch> first;
  std::uint16_t used = 0;
  std::array<NameHit, RuleSet::kBatch * kMaxLabels> hits;  // one for each suffix of each name: targets are distinct

  void clear() noexcept {
    first.fill(kNoHit);
    used = 0;
  }
  void add(std::size_t name, std::uint32_t refs, std::size_t length) noexcept {
    if (used == hits.size()) return;  // only where a writer gone wrong has put one name into several records
    hits[used] = {refs, static_cast<std::uint16_t>(length), first[name]};
    first[name] = used++;
  }
};
static_assert(RuleSet::kBatch * kMaxLabels < NameHits::kNoHit);

/// Finds, in the names table of `image`, every target that is one of the names of a batch or an ancestor of one. The
/// whole batch goes on label by label, so that memory is fetched for all names at once. `in`: at most kBatch.
void walk_names(const ImageView& image, std::span<const Lookup> in, NameHits& out) noexcept;

}  // namespace sluice
