#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "rules/image/format.h"

namespace sluice {

/// The RefLists and Refs sections in the making. Equal lists are stored once: a million names of one order share one.
class RefLists {
 public:
  /// Index of the list that holds exactly `refs` (at least one), in the order of (order, scope, target) and without
  /// repeats.
  [[nodiscard]] std::uint32_t intern(std::vector<RefRecord>& refs);

  [[nodiscard]] const std::vector<RefListRecord>& lists() const { return lists_; }
  [[nodiscard]] const std::vector<RefRecord>& refs() const { return refs_; }

 private:
  using Key = std::tuple<std::uint32_t, std::uint8_t, std::uint32_t>;
  static Key key(const RefRecord& ref) { return {ref.order, ref.scope, ref.target}; }
  void append(const std::vector<RefRecord>& refs);

  std::vector<RefListRecord> lists_;
  std::vector<RefRecord> refs_;
  std::map<std::vector<Key>, std::uint32_t> known_;
  std::pair<Key, std::uint32_t> last_single_{{0xffffffff, 0, 0}, 0};  // long runs of names have the same one order
};

}  // namespace sluice
