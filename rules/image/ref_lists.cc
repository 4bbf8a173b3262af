#include "rules/image/ref_lists.h"

#include <algorithm>

namespace sluice {

std::uint32_t RefLists::intern(std::vector<RefRecord>& refs) {
  if (refs.size() == 1 && last_single_.first == key(refs[0])) return last_single_.second;
  std::ranges::sort(refs, {}, key);
  const auto repeats = std::ranges::unique(refs, {}, key);
  refs.erase(repeats.begin(), repeats.end());

  std::vector<Key> keys;
  keys.reserve(refs.size());
  for (const RefRecord& ref : refs) keys.push_back(key(ref));
  const auto [at, is_new] = known_.try_emplace(std::move(keys), static_cast<std::uint32_t>(lists_.size()));
  if (is_new) append(refs);
  if (refs.size() == 1) last_single_ = {key(refs[0]), at->second};
  return at->second;
}

void RefLists::append(const std::vector<RefRecord>& refs) {
  lists_.push_back({static_cast<std::uint32_t>(refs_.size()), static_cast<std::uint32_t>(refs.size())});
  refs_.insert(refs_.end(), refs.begin(), refs.end());
}

}  // namespace sluice
