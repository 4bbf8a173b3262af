#include "rules/tlog/proof.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace sluice;

namespace {

std::string entry(std::size_t i) {
  return "entry " + std::to_string(i);
}

/// A log in memory, its key and two witnesses.
struct Authority {
  NoteSigner key = make_signer("log.example/orders", {1});
  NoteSigner first = make_signer("first.example", {2}), second = make_signer("second.example", {3});
  std::string history = "entry ";  ///< another one makes another log under the same key

  [[nodiscard]] LogPolicy policy(unsigned threshold = 0) const {
    return {key.who,
            true,
            {make_cosigner("first.example", first.who.key), make_cosigner("second.example", second.who.key)},
            threshold};
  }
  [[nodiscard]] TreeHash leaf(std::size_t i) const {
    const std::string text = history + std::to_string(i);
    return leaf_hash({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  [[nodiscard]] TreeHash subtree(unsigned level, std::uint64_t index) const {
    if (level == 0) return leaf(index);
    return node_hash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));
  }
  [[nodiscard]] SubtreeHash subtrees() const {
    return [this](unsigned level, std::uint64_t index) { return subtree(level, index); };
  }
  [[nodiscard]] Checkpoint head(std::uint64_t size) const { return {key.who.name, size, root_of(size, subtrees())}; }
  [[nodiscard]] TlogProof proof(std::uint64_t index, std::uint64_t size,
                                const std::vector<std::uint64_t>& from = {}) const {
    std::vector<ConsistencyFrom> consistency;
    for (const std::uint64_t old : from) consistency.push_back({old, consistency_proof(old, size, subtrees())});
    return {to_text(consistency), index, inclusion_proof(index, size, subtrees()),
            sign_note(to_text(head(size)), key.who, key.secret)};
  }
};

ProofError error_of(const LogPolicy& policy, const std::string& text, const TlogProof& proof,
                    const std::optional<Checkpoint>& seen = {}) {
  const auto judged = judge_proof(policy, text, to_text(proof), seen);
  REQUIRE_FALSE(judged.has_value());
  return judged.error();
}

}  // namespace

TEST_CASE_METHOD(Authority, "proof: every entry of logs of many sizes is proven, and no other in its place") {
  for (std::uint64_t size = 1; size < 20; ++size) {
    for (std::uint64_t i = 0; i < size; ++i) {
      const auto judged = judge_proof(policy(), entry(i), to_text(proof(i, size)), {});
      REQUIRE(judged.has_value());
      CHECK(judged->size == size);
      CHECK(error_of(policy(), entry(i + 1), proof(i, size)) == ProofError::NotIncluded);
    }
  }
}

TEST_CASE_METHOD(Authority, "proof: reads back what it wrote, and no byte less") {
  const std::string text = to_text(proof(3, 9, {2, 5}));
  const auto read = parse_proof(text);
  REQUIRE(read.has_value());
  CHECK(to_text(*read) == text);
  CHECK(parse_consistency(read->extra)->size() == 2);
  const LogPolicy strict = policy();
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    CHECK_FALSE(judge_proof(strict, entry(3), text.substr(0, cut), head(5)).has_value());
  }
}

TEST_CASE_METHOD(Authority, "proof: the checkpoint must be signed by that log") {
  TlogProof stranger = proof(1, 4);
  stranger.checkpoint = sign_note(to_text(head(4)), first.who, first.secret);
  CHECK(error_of(policy(), entry(1), stranger) == ProofError::Checkpoint);
  TlogProof other = proof(1, 4);
  Checkpoint renamed = head(4);
  renamed.origin = "other.example";
  other.checkpoint = sign_note(to_text(renamed), key.who, key.secret);
  CHECK(error_of(policy(), entry(1), other) == ProofError::Checkpoint);
}

TEST_CASE_METHOD(Authority, "proof: the log must continue what was seen, and a fork is told from mere ignorance") {
  CHECK(judge_proof(policy(), entry(8), to_text(proof(8, 9, {4, 5})), head(5)).has_value());
  CHECK(judge_proof(policy(), entry(8), to_text(proof(8, 9)), head(9)).has_value());
  CHECK(error_of(policy(), entry(8), proof(8, 9, {4}), head(5)) == ProofError::Unconnected);
  CHECK(error_of(policy(), entry(3), proof(3, 4), head(5)) == ProofError::Older);
  Authority liar;
  liar.history = "another ";
  CHECK(error_of(policy(), "another 8", liar.proof(8, 9), head(9)) == ProofError::Fork);
  CHECK(error_of(policy(), "another 8", liar.proof(8, 9, {5}), head(5)) == ProofError::Inconsistent);
}

TEST_CASE_METHOD(Authority, "proof: as many distinct witnesses as the policy asks for must have cosigned") {
  TlogProof p = proof(1, 4);
  const NoteVerifier one = make_cosigner("first.example", first.who.key);
  const NoteVerifier two = make_cosigner("second.example", second.who.key);
  CHECK(error_of(policy(1), entry(1), p) == ProofError::Witnesses);
  const std::string line = cosign(p.checkpoint, one, first.secret, 1679315147);
  p.checkpoint += line;
  CHECK(judge_proof(policy(1), entry(1), to_text(p), {}).has_value());
  CHECK(cosignature_time(p.checkpoint, one) == 1679315147);
  p.checkpoint += line;  // the same one twice
  CHECK(error_of(policy(2), entry(1), p) == ProofError::Witnesses);
  p.checkpoint += cosign(p.checkpoint, two, first.secret, 5);  // not by its key
  CHECK(error_of(policy(2), entry(1), p) == ProofError::Witnesses);
  p.checkpoint += cosign(p.checkpoint, two, second.secret, 5);
  CHECK(judge_proof(policy(2), entry(1), to_text(p), {}).has_value());
  CHECK(parse_cosigner(cosigner_text(one))->id == one.id);
  CHECK_FALSE(parse_cosigner(first.who.text()).has_value());
}
