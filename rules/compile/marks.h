#pragma once

#include <optional>
#include <span>

#include "rules/compile/request.h"
#include "rules/image/image.h"
#include "rules/model/decide.h"

namespace sluice {

/// Puts into the feeds what the request says beside their bundles: orders that the operator refuses, orders in shadow,
/// staged feeds, whose bases must be signed with `key`. An order that a feed does not have (any more) is passed over;
/// a feed that is not in the request is Malformed, as is a refusal of a whole feed.
[[nodiscard]] std::optional<CompileFailure> apply_marks(const CompileRequest& request, const Ed25519PublicKey& key,
                                                        std::span<Feed> feeds);

}  // namespace sluice
