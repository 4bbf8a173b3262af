#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/model/decide.h"

namespace sluice::bench {

/// `count` distinct canonical names of 2 to 6 labels, 3.3 on average, about 18 bytes. The same for the same `seed`; of
/// two seeds, no name is in both lists or below one of the other.
[[nodiscard]] std::vector<std::string> make_names(std::size_t count, std::uint64_t seed);

/// One feed with one order that blocks all `names`, half of them exact, half with all below.
[[nodiscard]] std::vector<Feed> make_feeds(const std::vector<std::string>& names);

/// 65,536 names to ask for, `hits_percent` of them from `listed` (spread over all of it), the others from no list.
[[nodiscard]] std::vector<std::string> make_queries(const std::vector<std::string>& listed, unsigned hits_percent);

}  // namespace sluice::bench
