#include "rules/tlog/proof.h"

#include <algorithm>

#include "rules/tlog/note_lines.h"

namespace sluice {
namespace {

constexpr std::string_view kMagic = "c2sp.org/tlog-proof@v1";
constexpr std::size_t kMaxExtraBytes = 1 << 20;
constexpr std::size_t kMaxHashes = 64;

bool take_hash(std::string_view line, std::vector<TreeHash>& out) {
  const auto hash = from_base64<32>(line);
  if (!hash || out.size() == kMaxHashes) return false;
  out.push_back(*hash);
  return true;
}

/// The number behind "WORD ".
std::optional<std::uint64_t> numbered(std::string_view line, std::string_view word) {
  if (!line.starts_with(word) || !line.substr(word.size()).starts_with(' ')) return std::nullopt;
  return plain_number(line.substr(word.size() + 1));
}

unsigned cosigned(const LogPolicy& policy, std::string_view checkpoint) {
  return static_cast<unsigned>(std::ranges::count_if(policy.witnesses, [&](const NoteVerifier& witness) {
    return cosignature_time(checkpoint, witness).has_value();
  }));
}

std::optional<ProofError> connect(const Checkpoint& head, const Checkpoint& seen, std::string_view extra) {
  if (head.size < seen.size) return ProofError::Older;
  if (head.size == seen.size) return head.root == seen.root ? std::nullopt : std::optional(ProofError::Fork);
  if (seen.size == 0) return std::nullopt;
  const auto proofs = parse_consistency(extra);
  if (!proofs) return ProofError::Malformed;
  const auto from = std::ranges::find(*proofs, seen.size, &ConsistencyFrom::old_size);
  if (from == proofs->end()) return ProofError::Unconnected;
  const bool holds = verify_consistency(seen.size, seen.root, head.size, head.root, from->hashes);
  return holds ? std::nullopt : std::optional(ProofError::Inconsistent);
}

}  // namespace

std::string_view to_string(ProofError error) noexcept {
  switch (error) {
    case ProofError::Malformed: return "not a proof";
    case ProofError::Checkpoint: return "the checkpoint is not the log's";
    case ProofError::Witnesses: return "too few witnesses have cosigned the checkpoint";
    case ProofError::NotIncluded: return "the release is not what the proof proves";
    case ProofError::Older: return "the checkpoint is older than one seen before";
    case ProofError::Unconnected: return "no proof that the log continues the one seen before";
    case ProofError::Inconsistent: return "the log does not continue the one seen before";
    case ProofError::Fork: return "the log has signed two different histories";
  }
  return "?";
}

std::string to_text(const TlogProof& proof) {
  std::string out(kMagic);
  out += '\n';
  if (!proof.extra.empty()) {
    out += "extra " + to_base64({reinterpret_cast<const std::uint8_t*>(proof.extra.data()), proof.extra.size()}) + "\n";
  }
  out += "index " + std::to_string(proof.index) + "\n";
  for (const TreeHash& hash : proof.hashes) out += to_base64(hash) + "\n";
  return out + "\n" + proof.checkpoint;
}

Result<TlogProof, NoteError> parse_proof(std::string_view text) {
  const auto malformed = std::unexpected(NoteError::Malformed);
  TlogProof proof;
  if (take_line(text) != kMagic) return malformed;
  auto line = take_line(text);
  if (line && line->starts_with("extra ")) {
    auto extra = bytes_from_base64(line->substr(6), kMaxExtraBytes);
    if (!extra) return malformed;
    proof.extra = *std::move(extra);
    line = take_line(text);
  }
  const auto index = line ? numbered(*line, "index") : std::nullopt;
  if (!index) return malformed;
  proof.index = *index;
  for (line = take_line(text); line && !line->empty(); line = take_line(text)) {
    if (!take_hash(*line, proof.hashes)) return malformed;
  }
  if (!line) return malformed;
  proof.checkpoint = text;
  return proof;
}

std::string to_text(const std::vector<ConsistencyFrom>& proofs) {
  std::string out;
  for (const ConsistencyFrom& proof : proofs) {
    out += "from " + std::to_string(proof.old_size) + "\n";
    for (const TreeHash& hash : proof.hashes) out += to_base64(hash) + "\n";
  }
  return out;
}

std::optional<std::vector<ConsistencyFrom>> parse_consistency(std::string_view text) {
  std::vector<ConsistencyFrom> proofs;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (!line) return std::nullopt;
    if (const auto size = numbered(*line, "from")) {
      proofs.push_back({*size, {}});
    } else if (proofs.empty() || !take_hash(*line, proofs.back().hashes)) {
      return std::nullopt;
    }
  }
  return proofs;
}

Result<Checkpoint, ProofError> judge_proof(const LogPolicy& policy, std::string_view entry, std::string_view proof,
                                           const std::optional<Checkpoint>& seen) {
  const auto parsed = parse_proof(proof);
  if (!parsed.has_value()) return std::unexpected(ProofError::Malformed);
  const auto text = open_note(parsed->checkpoint, policy.log);
  if (!text.has_value()) return std::unexpected(ProofError::Checkpoint);
  const auto head = parse_checkpoint(*text);
  if (!head.has_value() || head->origin != policy.log.name) return std::unexpected(ProofError::Checkpoint);
  if (cosigned(policy, parsed->checkpoint) < policy.threshold) return std::unexpected(ProofError::Witnesses);
  const TreeHash leaf = leaf_hash({reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()});
  if (!verify_inclusion(leaf, parsed->index, head->size, parsed->hashes, head->root)) {
    return std::unexpected(ProofError::NotIncluded);
  }
  if (seen) {
    if (const auto error = connect(*head, *seen, parsed->extra)) return std::unexpected(*error);
  }
  return *head;
}

}  // namespace sluice
