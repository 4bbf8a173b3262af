#include "rules/tlog/merkle.h"

#include <sodium.h>

#include <bit>

namespace sluice {
namespace {

/// Largest power of two smaller than n; n > 1.
constexpr std::uint64_t split(std::uint64_t n) noexcept {
  return std::bit_floor(n - 1);
}

/// Root of the leaves [begin, begin + count). A power of two that is aligned is a complete subtree.
TreeHash range_root(std::uint64_t begin, std::uint64_t count, const SubtreeHash& subtree) {
  if (std::has_single_bit(count)) {
    const auto level = static_cast<unsigned>(std::countr_zero(count));
    return subtree(level, begin >> level);
  }
  const std::uint64_t left = split(count);
  return node_hash(range_root(begin, left, subtree), range_root(begin + left, count - left, subtree));
}

void add_path(std::uint64_t index, std::uint64_t begin, std::uint64_t count, const SubtreeHash& subtree,
              std::vector<TreeHash>& proof) {
  if (count == 1) return;
  const std::uint64_t left = split(count);
  if (index < left) {
    add_path(index, begin, left, subtree, proof);
    proof.push_back(range_root(begin + left, count - left, subtree));
  } else {
    add_path(index - left, begin + left, count - left, subtree, proof);
    proof.push_back(range_root(begin, left, subtree));
  }
}

// SUBPROOF of RFC 6962 2.1.2; `whole`: the old tree is known to the verifier as it stands.
void add_subproof(std::uint64_t old_size, std::uint64_t begin, std::uint64_t count, bool whole,
                  const SubtreeHash& subtree, std::vector<TreeHash>& proof) {
  if (old_size == count) {
    if (!whole) proof.push_back(range_root(begin, count, subtree));
    return;
  }
  const std::uint64_t left = split(count);
  if (old_size <= left) {
    add_subproof(old_size, begin, left, whole, subtree, proof);
    proof.push_back(range_root(begin + left, count - left, subtree));
  } else {
    add_subproof(old_size - left, begin + left, count - left, false, subtree, proof);
    proof.push_back(range_root(begin, left, subtree));
  }
}

}  // namespace

TreeHash leaf_hash(Bytes entry) noexcept {
  constexpr std::uint8_t kLeaf = 0;
  TreeHash hash;
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, &kLeaf, 1);
  crypto_hash_sha256_update(&state, entry.data(), entry.size());
  crypto_hash_sha256_final(&state, hash.data());
  return hash;
}

TreeHash node_hash(const TreeHash& left, const TreeHash& right) noexcept {
  constexpr std::uint8_t kNode = 1;
  TreeHash hash;
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, &kNode, 1);
  crypto_hash_sha256_update(&state, left.data(), left.size());
  crypto_hash_sha256_update(&state, right.data(), right.size());
  crypto_hash_sha256_final(&state, hash.data());
  return hash;
}

TreeEdge::TreeEdge(std::uint64_t size, const SubtreeHash& subtree) : size_(size) {
  for (unsigned level = 64; level-- > 0;) {
    if ((size >> level & 1) != 0) peaks_.push_back(subtree(level, (size >> level) - 1));
  }
}

void TreeEdge::push(const TreeHash& leaf, const Completed& completed) {
  TreeHash hash = leaf;
  std::uint64_t index = size_++;
  if (completed) completed(0, index, hash);
  for (unsigned level = 1; (index & 1) != 0; ++level) {
    index >>= 1;
    hash = node_hash(peaks_.back(), hash);
    peaks_.pop_back();
    if (completed) completed(level, index, hash);
  }
  peaks_.push_back(hash);
}

TreeHash TreeEdge::root() const noexcept {
  if (peaks_.empty()) {
    TreeHash empty;
    crypto_hash_sha256(empty.data(), nullptr, 0);
    return empty;
  }
  TreeHash hash = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) hash = node_hash(peaks_[i], hash);
  return hash;
}

TreeHash root_of(std::uint64_t size, const SubtreeHash& subtree) {
  return size == 0 ? TreeEdge().root() : range_root(0, size, subtree);
}

std::vector<TreeHash> inclusion_proof(std::uint64_t index, std::uint64_t size, const SubtreeHash& subtree) {
  std::vector<TreeHash> proof;
  if (index < size) add_path(index, 0, size, subtree, proof);
  return proof;
}

std::vector<TreeHash> consistency_proof(std::uint64_t old_size, std::uint64_t size, const SubtreeHash& subtree) {
  std::vector<TreeHash> proof;
  if (old_size > 0 && old_size <= size) add_subproof(old_size, 0, size, true, subtree, proof);
  return proof;
}

bool verify_inclusion(const TreeHash& leaf, std::uint64_t index, std::uint64_t size, std::span<const TreeHash> proof,
                      const TreeHash& root) noexcept {
  if (index >= size) return false;
  std::uint64_t node = index;
  std::uint64_t last = size - 1;
  TreeHash hash = leaf;
  for (const TreeHash& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      hash = node_hash(sibling, hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_hash(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool verify_consistency(std::uint64_t old_size, const TreeHash& old_root, std::uint64_t size, const TreeHash& root,
                        std::span<const TreeHash> proof) noexcept {
  if (old_size == 0 || old_size > size) return false;
  if (old_size == size) return proof.empty() && old_root == root;
  // A complete old tree is itself the first hash of the way, and is not sent.
  const bool complete = std::has_single_bit(old_size);
  if (!complete && proof.empty()) return false;
  const TreeHash first = complete ? old_root : proof.front();
  if (!complete) proof = proof.subspan(1);

  std::uint64_t node = old_size - 1;
  std::uint64_t last = size - 1;
  while ((node & 1) != 0) {
    node >>= 1;
    last >>= 1;
  }
  TreeHash old_hash = first;
  TreeHash new_hash = first;
  for (const TreeHash& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      old_hash = node_hash(sibling, old_hash);
      new_hash = node_hash(sibling, new_hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      new_hash = node_hash(new_hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_hash == old_root && new_hash == root;
}

}  // namespace sluice
