#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "rules/image/hash_index.h"
#include "rules/image/name_hash.h"
#include "rules/model/name.h"

namespace sluice {

/// What the lists say of a name, and of the names at and below it.
struct NameFacts {
  std::string name;
  std::uint32_t protected_by = 0;     ///< 1 + index into GuardLists::protected_names; 0: not protected itself
  std::uint32_t protected_below = 0;  ///< the same of one at or below it
  std::uint32_t platforms = 0, popular_names = 0, ordinary_names = 0;  ///< at or below it
  bool popular = false, platform = false;                              ///< itself
  bool above_public_suffix = false;
};

/// The listed names and all their ancestors, found by hash: what a name ends in falls out of one walk from the right,
/// which ends at the first suffix that is none of them.
class SuffixIndex {
 public:
  /// Calls change(facts, is_the_name_itself) for the canonical `name` and each of its ancestors.
  template <class Change>
  void enter(std::string_view name, Change&& change) {
    walk(name, [&](std::string_view suffix, std::uint64_t hash) {
      change(entry(suffix, hash), suffix.size() == name.size());
      return true;
    });
  }
  /// Calls see(facts) for each suffix of the canonical `name` that is known, the shortest first.
  template <class See>
  void each_suffix(std::string_view name, See&& see) const {
    walk(name, [&](std::string_view suffix, std::uint64_t hash) {
      const auto at = index_.find(hash, [&](std::uint32_t i) { return facts_[i].name == suffix; });
      if (at) see(facts_[*at]);
      return at.has_value();
    });
  }
  /// nullptr where nothing is known of exactly this name.
  [[nodiscard]] const NameFacts* find(std::string_view name) const {
    const NameFacts* found = nullptr;
    each_suffix(name, [&](const NameFacts& facts) { found = &facts; });
    return found != nullptr && found->name.size() == name.size() ? found : nullptr;
  }

 private:
  /// on_suffix(text, hash) → go on; from the last label to the whole name.
  template <class OnSuffix>
  static void walk(std::string_view name, OnSuffix&& on_suffix) {
    std::array<char, kHashReadsBefore + kMaxNameBytes> padded{};
    char* const begin = padded.data() + kHashReadsBefore;
    if (name.size() > kMaxNameBytes) return;
    std::memcpy(begin, name.data(), name.size());
    std::uint64_t hash = 0;
    for (std::size_t end = name.size();;) {
      const std::size_t dot = end == 0 ? std::string_view::npos : name.rfind('.', end - 1);
      const std::size_t start = dot == std::string_view::npos ? 0 : dot + 1;
      hash = hash_label(hash, begin + end, end - start);
      if (!on_suffix(name.substr(start), hash) || start == 0) return;
      end = dot;
    }
  }

  NameFacts& entry(std::string_view suffix, std::uint64_t hash);

  HashIndex index_{16384};
  std::vector<NameFacts> facts_;
  std::vector<std::uint64_t> hashes_;  ///< of facts_, for growing
};

}  // namespace sluice
