#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/text/canonical_json.h"

namespace sluice {

/// One order of a bundle as the log speaks of it: what was signed, and where in the file its targets lie.
struct BundleOrder {
  JsonValue order;  ///< the order line
  std::string id;
  PublicationKind publication = PublicationKind::Full;
  UnixSeconds delayed_until = 0;
  std::uint64_t targets = 0;
  std::uint64_t offset = 0, length = 0;  ///< of its target lines, bytes
  std::string sha256;                    ///< of those bytes, 64 hex digits
};

/// Walks the orders of a bundle whose text was judged before, in one pass and bounded memory; targets are hashed and
/// not parsed. The error is one line.
[[nodiscard]] Result<void, std::string> each_order(const std::filesystem::path& bundle,
                                                   const std::function<void(BundleOrder&&)>& take);

}  // namespace sluice
