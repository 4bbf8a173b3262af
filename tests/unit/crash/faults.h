#pragma once

#include <string>

namespace sluice::test {

/// What happens to one call that changes a file below a folder.
enum class Fault {
  Kill,      ///< SIGKILL before it
  TornKill,  ///< half of a write, then SIGKILL; other calls take place first
  Io,        ///< EIO, once
  Full,      ///< ENOSPC, from there on
  Short,     ///< a write of half the bytes, which is no error
};
inline constexpr int kFaults = 5;

/// From now on the calls of this process that change something below `folder` are counted: write, fsync, rename, link,
/// symlink, unlink and mkdir, of whatever library. The one with number `at` (from 0) meets the fault.
void arm(const std::string& folder, Fault fault, int at);
/// Ends that; gives the number of calls.
int disarm();

}  // namespace sluice::test
