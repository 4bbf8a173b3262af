#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/tlog/merkle.h"
#include "rules/tlog/note.h"

namespace sluice {

/// Shows that the log of `old_size` entries is the beginning of the one that a proof speaks of (RFC 6962 2.1.2).
struct ConsistencyFrom {
  std::uint64_t old_size = 0;
  std::vector<TreeHash> hashes;
};

/// C2SP tlog-proof: an entry's place in a log, to be checked without asking anybody.
struct TlogProof {
  std::string extra;  ///< opaque, and not authenticated
  std::uint64_t index = 0;
  std::vector<TreeHash> hashes;
  std::string checkpoint;  ///< signed note, with whatever cosignatures it has
};
[[nodiscard]] std::string to_text(const TlogProof& proof);
[[nodiscard]] Result<TlogProof, NoteError> parse_proof(std::string_view text);

/// What an authority's proofs carry as `extra`: "from SIZE" and the hashes, a line each in base64, for every earlier
/// checkpoint that a gateway may have seen last.
[[nodiscard]] std::string to_text(const std::vector<ConsistencyFrom>& proofs);
[[nodiscard]] std::optional<std::vector<ConsistencyFrom>> parse_consistency(std::string_view text);

/// What a gateway asks of an authority's log before it takes a release.
struct LogPolicy {
  NoteVerifier log;
  bool required = true;                 ///< no release without a proof
  std::vector<NoteVerifier> witnesses;  ///< by their verifier keys of type 0x04
  unsigned threshold = 0;               ///< distinct witnesses that must have cosigned
};

enum class ProofError : std::uint8_t {
  Malformed,     ///< not a proof
  Checkpoint,    ///< its checkpoint is not signed by the log's key, or is of another log
  Witnesses,     ///< too few cosignatures of the witnesses
  NotIncluded,   ///< the entry is not what the proof proves
  Older,         ///< the checkpoint is of a log smaller than one seen before
  Unconnected,   ///< no consistency proof from the checkpoint that was seen last
  Inconsistent,  ///< that consistency proof does not hold
  Fork,          ///< two checkpoints of one size with different roots, both signed by the log: it lies to somebody
};
[[nodiscard]] std::string_view to_string(ProofError error) noexcept;

/// Judges the proof of one entry. `seen`: the checkpoint that was accepted last. Gives the checkpoint to remember.
[[nodiscard]] Result<Checkpoint, ProofError> judge_proof(const LogPolicy& policy, std::string_view entry,
                                                         std::string_view proof, const std::optional<Checkpoint>& seen);

}  // namespace sluice
