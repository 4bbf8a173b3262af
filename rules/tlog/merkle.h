#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dataplane/base/bytes.h"

namespace sluice {

/// SHA-256 over the tree of RFC 6962 2.1: leaf = H(0x00 | entry), node = H(0x01 | left | right).
using TreeHash = std::array<std::uint8_t, 32>;

[[nodiscard]] TreeHash leaf_hash(Bytes entry) noexcept;
[[nodiscard]] TreeHash node_hash(const TreeHash& left, const TreeHash& right) noexcept;

/// Gives the hash of the complete subtree `index` of `level`: over the leaves [index << level, (index + 1) << level).
using SubtreeHash = std::function<TreeHash(unsigned level, std::uint64_t index)>;

/// The right edge of a growing tree: the roots of its complete subtrees, largest first. 64 hashes at most, so a log of
/// any size is extended in constant memory.
class TreeEdge {
 public:
  /// Called with every complete subtree that a leaf finishes: its level (0 = leaf) and its index on that level.
  using Completed = std::function<void(unsigned level, std::uint64_t index, const TreeHash& hash)>;

  TreeEdge() = default;
  /// The edge of a tree of `size` leaves that was built before.
  TreeEdge(std::uint64_t size, const SubtreeHash& subtree);

  void push(const TreeHash& leaf, const Completed& completed = {});
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Root of the whole tree; H("") for the empty one.
  [[nodiscard]] TreeHash root() const noexcept;

 private:
  std::vector<TreeHash> peaks_;
  std::uint64_t size_ = 0;
};

/// Root of the first `size` leaves, from complete subtrees.
[[nodiscard]] TreeHash root_of(std::uint64_t size, const SubtreeHash& subtree);

/// RFC 6962 2.1.1: the hashes beside the way from leaf `index` to the root of the tree of `size` leaves. index < size.
[[nodiscard]] std::vector<TreeHash> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                                    const SubtreeHash& subtree);
/// RFC 6962 2.1.2: shows that the tree of `old_size` leaves is a prefix of that of `size`. 0 < old_size <= size.
[[nodiscard]] std::vector<TreeHash> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                                      const SubtreeHash& subtree);

/// RFC 9162 2.1.3.2 and 2.1.4.2. False for any proof of a wrong length, order or content.
[[nodiscard]] bool verify_inclusion(const TreeHash& leaf, std::uint64_t index, std::uint64_t size,
                                    std::span<const TreeHash> proof, const TreeHash& root) noexcept;
[[nodiscard]] bool verify_consistency(std::uint64_t old_size, const TreeHash& old_root, std::uint64_t size,
                                      const TreeHash& root, std::span<const TreeHash> proof) noexcept;

}  // namespace sluice
