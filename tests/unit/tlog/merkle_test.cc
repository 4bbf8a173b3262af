#include "rules/tlog/merkle.h"

#include <sodium.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace sluice;

namespace {

std::string hex(const TreeHash& hash) {
  std::string out(65, '\0');
  sodium_bin2hex(out.data(), out.size(), hash.data(), hash.size());
  out.pop_back();
  return out;
}

TreeHash leaf_of(const std::string& text) {
  return leaf_hash({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

/// RFC 6962 2.1 by the letter: the recursive definition over leaf hashes, to check the fast forms against.
TreeHash by_definition(std::span<const TreeHash> leaves) {
  if (leaves.empty()) return TreeEdge().root();
  if (leaves.size() == 1) return leaves[0];
  std::size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  return node_hash(by_definition(leaves.first(k)), by_definition(leaves.subspan(k)));
}

struct Tree {
  std::vector<TreeHash> leaves;
  SubtreeHash subtree = [this](unsigned level, std::uint64_t index) {
    const std::size_t count = std::size_t{1} << level;
    return by_definition(std::span(leaves).subspan(static_cast<std::size_t>(index) * count, count));
  };
  explicit Tree(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) leaves.push_back(leaf_of("entry " + std::to_string(i)));
  }
  [[nodiscard]] TreeHash root(std::size_t n) const { return by_definition(std::span(leaves).first(n)); }
};

}  // namespace

TEST_CASE("merkle: roots of the published RFC 6962 test vectors") {
  const std::vector<std::string> inputs{std::string(), std::string("\x00", 1), "\x10",     "\x20\x21",
                                        "\x30\x31",    "\x40\x41\x42\x43",     "PQRSTUVW", "`abcdefghijklmno"};
  const std::vector<std::string> roots{"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                       "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                       "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                       "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                       "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                       "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                       "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                       "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  TreeEdge edge;
  CHECK(hex(edge.root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    edge.push(leaf_of(inputs[i]));
    CHECK(hex(edge.root()) == roots[i]);
  }
}

TEST_CASE("merkle: edge and subtree form equal the recursive definition at every size") {
  const Tree tree(130);
  TreeEdge edge;
  for (std::size_t n = 0; n < tree.leaves.size(); ++n) {
    REQUIRE(edge.root() == tree.root(n));
    REQUIRE(root_of(n, tree.subtree) == tree.root(n));
    REQUIRE(TreeEdge(n, tree.subtree).root() == tree.root(n));
    edge.push(tree.leaves[n]);
  }
}

TEST_CASE("merkle: every inclusion proof verifies, and for no other index, size, leaf or root") {
  const Tree tree(34);
  for (std::size_t size = 1; size <= tree.leaves.size(); ++size) {
    for (std::size_t i = 0; i < size; ++i) {
      const auto proof = inclusion_proof(i, size, tree.subtree);
      const TreeHash root = tree.root(size);
      REQUIRE(verify_inclusion(tree.leaves[i], i, size, proof, root));
      REQUIRE_FALSE(verify_inclusion(tree.leaves[i], i + 1, size, proof, root));
      REQUIRE_FALSE(verify_inclusion(tree.leaves[(i + 1) % tree.leaves.size()], i, size, proof, root));
      REQUIRE_FALSE(verify_inclusion(tree.leaves[i], i, size, proof, node_hash(root, root)));
      auto longer = proof;
      longer.push_back(root);
      REQUIRE_FALSE(verify_inclusion(tree.leaves[i], i, size, longer, root));
      if (!proof.empty()) {
        REQUIRE_FALSE(verify_inclusion(tree.leaves[i], i, size, std::span(proof).first(proof.size() - 1), root));
      }
    }
  }
}

TEST_CASE("merkle: every consistency proof verifies, and a rewritten past does not") {
  const Tree tree(34);
  Tree forged(34);
  forged.leaves[0] = leaf_of("rewritten");
  for (std::size_t size = 1; size <= tree.leaves.size(); ++size) {
    for (std::size_t old = 1; old <= size; ++old) {
      const auto proof = consistency_proof(old, size, tree.subtree);
      REQUIRE(verify_consistency(old, tree.root(old), size, tree.root(size), proof));
      REQUIRE_FALSE(verify_consistency(old, forged.root(old), size, tree.root(size), proof));
      REQUIRE_FALSE(verify_consistency(old, tree.root(old), size, forged.root(size), proof));
      REQUIRE_FALSE(verify_consistency(old, tree.root(old), size, forged.root(size),
                                       consistency_proof(old, size, forged.subtree)));
    }
  }
}
