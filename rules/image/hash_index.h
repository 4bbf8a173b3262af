#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sluice {

/// Hash → position in somebody's vector, by open addressing. A slot holds half of the hash, so that the vector is
/// looked at only where it is very likely the right place. Half full at most, if the caller grows it when full() says
/// so.
class HashIndex {
 public:
  explicit HashIndex(std::size_t expected) : slots_(std::bit_ceil(expected * 2 + 16)) {}

  [[nodiscard]] bool full() const noexcept { return used_ * 2 >= slots_.size(); }
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&slots_[home(hash)]); }

  /// The position of the entry of this hash of which same(position) is true; where there is none, `next` is entered for
  /// it and returned.
  template <class Same>
  std::uint32_t find_or_add(std::uint64_t hash, std::uint32_t next, Same&& same) {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t i = home(hash);; i = (i + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[i];
      if (slot.position_plus_1 == 0) {
        slot = {tag, next + 1};
        ++used_;
        return next;
      }
      if (slot.tag == tag && same(slot.position_plus_1 - 1)) return slot.position_plus_1 - 1;
    }
  }

  /// The position of the entry of this hash of which same(position) is true, or nothing.
  template <class Same>
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t hash, Same&& same) const {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t i = home(hash);; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (slot.position_plus_1 == 0) return std::nullopt;
      if (slot.tag == tag && same(slot.position_plus_1 - 1)) return slot.position_plus_1 - 1;
    }
  }

  /// Twice the room. hash_of(position) gives the hash of an entry again.
  template <class HashOf>
  void grow(HashOf&& hash_of) {
    const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
    used_ = 0;
    for (const Slot& slot : before) {
      if (slot.position_plus_1 == 0) continue;
      const std::uint32_t position = slot.position_plus_1 - 1;
      find_or_add(hash_of(position), position, [](std::uint32_t) { return false; });
    }
  }

 private:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t position_plus_1;
  };
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash) & (slots_.size() - 1);
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace sluice
