#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "dataplane/base/bytes.h"
#include "dataplane/base/result.h"

namespace sluice {

/// Hands the bytes of a regular file to `take`, piece by piece, until that says false or the file ends. Never waits on
/// a FIFO. The error is the system's message.
[[nodiscard]] Result<void, std::string> stream_regular_file(const std::string& path,
                                                            const std::function<bool(Bytes)>& take);

/// All its bytes; an error also where there are more than `max_bytes`.
[[nodiscard]] Result<std::string, std::string> read_regular_file(const std::string& path, std::size_t max_bytes);

}  // namespace sluice
