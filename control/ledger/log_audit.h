#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/ledger/book.h"
#include "control/log/tiles.h"
#include "dataplane/base/result.h"
#include "rules/tlog/note.h"
#include "rules/tlog/proof.h"

namespace sluice {

inline constexpr std::size_t kMaxListBytes = std::size_t{2} << 30;  ///< of a target list

/// What auditing a log from its files found.
struct LogAudit {
  Checkpoint head;
  std::map<std::string, std::uint64_t> entries;  ///< by type
  std::uint64_t lists = 0;                       ///< target lists that were there and are what the entries say
  std::uint64_t sealed = 0;                      ///< not due yet
  std::vector<std::string> problems;             ///< one line each; empty: the log keeps its rules
};

/// Hashes everything again, then reads every entry: canonical form, the rules of Book, target lists by count and hash,
/// reveals against their commitments, and whether what was due by `now` is revealed. An error where the files are not
/// one log signed by `who`.
[[nodiscard]] Result<LogAudit, LogError> audit_log(const LogFiles& files, const NoteVerifier& who, UnixSeconds now);

/// The latest entry that says something of an order (or, for "FEED EPOCH SEQ", the release), and its proof; `extra` is
/// the entry itself.
struct EntryProof {
  std::string entry;
  TlogProof proof;
};
[[nodiscard]] Result<EntryProof, LogError> prove_order(const LogFiles& files, const NoteVerifier& who,
                                                       std::string_view order);
/// The proof of entry `index`, with consistency proofs from these sizes.
[[nodiscard]] Result<TlogProof, LogError> prove_entry(const LogFiles& files, const NoteVerifier& who,
                                                      std::uint64_t index, const std::vector<std::uint64_t>& from);

}  // namespace sluice
