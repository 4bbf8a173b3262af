#pragma once

namespace sluice {

// Exit codes of sluicectl (docs/interfaces.md).
inline constexpr int kFine = 0;
inline constexpr int kAnswerIsNo = 1;  ///< check found errors, verify failed, a bundle was refused …
inline constexpr int kBadCommandLine = 2;
inline constexpr int kOutOfReach = 3;  ///< sluiced does not answer

}  // namespace sluice
