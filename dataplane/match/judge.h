#pragma once

#include <cstdint>
#include <span>

#include "dataplane/match/matcher.h"
#include "rules/image/reader.h"

namespace sluice {

/// A target that matched a name.
struct Match {
  std::uint32_t refs;     ///< index of its RefList
  std::uint32_t pattern;  ///< index of the expression; read where length is 0
  std::uint16_t length;   ///< bytes of the target name; 0: a pattern
};

/// Which order wins: decide() of rules/model, then decide_shadow(), over the targets that match a name of `name_bytes`.
[[nodiscard]] Decision judge(const ImageView& image, std::span<const Match> matches, std::size_t name_bytes,
                             const Lookup& lookup, UnixSeconds now) noexcept;

}  // namespace sluice
