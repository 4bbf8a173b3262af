#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/decide.h"

namespace sluice {

enum class RpzPolicy : std::uint8_t { None, Block, Pass };

/// What stands at a name of the tree, or (wildcard) for everything below it that no record names.
struct RpzRecord {
  std::string_view name;
  bool wildcard = false;
  RpzPolicy policy = RpzPolicy::None;
  std::string_view order;  ///< id of the order that blocks
};

/// The names of the orders, as the tree that a zone is.
class RpzTree {
 public:
  /// Feeds in the order of stands_over().
  explicit RpzTree(std::vector<const Feed*> ranked) : ranked_(std::move(ranked)) {}

  void add(std::size_t feed, const Order& order, const NameTarget& target);
  /// Calls back for each record that the zone needs, and no other.
  void walk(const std::function<void(const RpzRecord&)>& emit);

 private:
  struct Entry {
    std::string key;  ///< labels from the right, each closed by kEnd
    std::size_t feed;
    const Order* order;
    Scope scope;
  };
  /// What one feed says at a place.
  struct Word {
    bool allows = false;
    const Order* blocks = nullptr;
  };
  using Words = std::vector<Word>;
  struct Answer {
    RpzPolicy policy = RpzPolicy::None;
    const Order* order = nullptr;
    friend bool operator==(const Answer& a, const Answer& b) { return a.policy == b.policy; }
  };

  [[nodiscard]] Answer judge(const Words& words) const;
  static void hear(Words& words, const Entry* begin, const Entry* end, Scope scope);
  /// The node whose key is the first `depth` bytes of every entry; true where it or something below has a record.
  bool node(const Entry* begin, const Entry* end, std::size_t depth, const Words& above);
  bool children(const Entry* begin, const Entry* end, std::size_t depth, const Words& words);
  void emit_node(std::string_view key, const Answer& here, const Answer& below);

  std::vector<const Feed*> ranked_;
  std::vector<Entry> entries_;
  std::function<void(const RpzRecord&)> emit_;
};

}  // namespace sluice
