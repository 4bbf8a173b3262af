#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/sign/digest.h"

namespace sluice {

/// What people compare before and after they sign.
struct BundleFacts {
  SnapshotHeader header;
  Digests digests;  ///< of the file
  std::uint64_t bytes = 0;
  std::optional<DeltaBase> delta;
  std::vector<std::string> changes;  ///< of a delta, one line an order: "revoked NCCIA-2026-00482"
};

/// Reads a snapshot or a delta whole and strictly. The error is one line: "file:line:column: what".
[[nodiscard]] Result<BundleFacts, std::string> bundle_facts(const std::string& file);

/// "feed  pta.example/terror …": the lines that bundle, sign and verify print.
[[nodiscard]] std::string show_facts(const BundleFacts& facts);
/// The members of those lines, into an open JSON object.
class JsonWriter;
void write_facts(JsonWriter& json, const BundleFacts& facts);

}  // namespace sluice
