#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/ledger/bundle_orders.h"
#include "rules/model/order.h"
#include "rules/text/canonical_json.h"

namespace sluice {

// The entries of the log (docs/interfaces.md): JSON objects in canonical form, told apart by "type".

/// A bundle that is enforced (or, in an authority's log, ordered). Follows from the bundle alone, so that whoever has
/// the bundle knows the entry that a proof must speak of.
[[nodiscard]] JsonValue release_entry(const SnapshotHeader& header, const std::string& sha256);

/// The list that stands for the targets: their lines as signed or, for `publication: lookup`, commitments.
struct TargetList {
  std::uint64_t count = 0;
  std::string sha256;
  bool commitments = false;
};
[[nodiscard]] JsonValue order_entry(std::string_view feed, const JsonValue& order, const TargetList& targets,
                                    bool changed, UnixSeconds at);
[[nodiscard]] JsonValue revoke_entry(std::string_view feed, std::string_view order, UnixSeconds at);
/// `by`: "guard" or "operator".
[[nodiscard]] JsonValue refusal_entry(std::string_view feed, std::string_view order, std::string_view by,
                                      std::string_view code, std::string_view why, UnixSeconds at);
[[nodiscard]] JsonValue override_entry(std::string_view feed, std::string_view order, std::string_view guard,
                                       std::string_view why, UnixSeconds at);
/// `root`: the whole root.json.
[[nodiscard]] JsonValue root_entry(std::string_view feed, const JsonValue& root, const std::string& sha256,
                                   UnixSeconds at);
/// An entry that is shown later: `commitment` = SHA-256(salt | entry).
[[nodiscard]] JsonValue sealed_entry(const std::string& commitment, UnixSeconds until, UnixSeconds at);
[[nodiscard]] JsonValue reveal_entry(std::uint64_t index, const std::string& salt, JsonValue entry, UnixSeconds at);

/// What an order says, as one hash: two of the same are no change.
[[nodiscard]] std::string order_digest(const JsonValue& order, const std::string& targets_sha256);

}  // namespace sluice
