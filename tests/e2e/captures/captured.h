#pragma once

#include <string>
#include <vector>

#include "tests/support/conversation.h"

namespace sluice::test {

/// What clients said in a capture, with the names that the pipeline reads of it as it is.
struct Captured {
  std::vector<Conversation> conversations;  ///< those with names
  std::size_t names = 0;                    ///< in the capture
  std::size_t skipped = 0;                  ///< names in streams whose first SYN was not captured, and the like
};

/// Reads a capture and puts its conversations together: streams from their SYN on, CRYPTO ranges of QUIC connections,
/// DNS queries. Throws std::runtime_error where it cannot be read.
[[nodiscard]] Captured read_capture(const std::string& path);

}  // namespace sluice::test
