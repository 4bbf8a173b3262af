#include "rules/guard/suffix_index.h"

namespace sluice {

NameFacts& SuffixIndex::entry(std::string_view suffix, std::uint64_t hash) {
  if (index_.full()) {
    index_.grow([this](std::uint32_t i) { return hashes_[i]; });
  }
  const auto next = static_cast<std::uint32_t>(facts_.size());
  const std::uint32_t at = index_.find_or_add(hash, next, [&](std::uint32_t i) { return facts_[i].name == suffix; });
  if (at == next) {
    facts_.emplace_back().name = suffix;
    hashes_.push_back(hash);
  }
  return facts_[at];
}

}  // namespace sluice
