#pragma once

#include <optional>
#include <string>

#include "control/api/server.h"
#include "control/daemon/worker.h"
#include "dataplane/base/result.h"

namespace sluice {

/// The requests by which an operator changes what is enforced: POST /v1/refuse, unrefuse, shadow, stage, apply with a
/// body, confirm, undo; GET /v1/diff. Nothing where it is another request; an error, one line, where its body is not as
/// docs/interfaces.md says.
[[nodiscard]] std::optional<Result<IntakeTask, std::string>> read_operator_request(const ApiRequest& request);

}  // namespace sluice
