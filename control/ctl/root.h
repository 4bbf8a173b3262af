#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/model/root.h"
#include "rules/sign/digest.h"

namespace sluice {

// The commands around a feed's root of trust (docs/key-ceremony.md). Each prints to stdout (errors to stderr) and
// returns the exit code of docs/interfaces.md.

struct RootOptions {
  std::string feed;
  std::vector<std::string> keys;        ///< PARTY:FILE.pub or PARTY:FILE.pub:NAME
  std::vector<std::string> thresholds;  ///< PARTY=N; 1 where not given
  std::vector<std::string> gone;        ///< rotate: KEYIDs that go
  std::uint64_t version = 1, epoch = 1;
  bool new_epoch = false;  ///< rotate: the bundles begin to count anew
  UnixSeconds valid_s = 365 * 86400;
  std::string out;  ///< empty: stdout
  bool json = false;
};
/// What a root says, for people; with its hash and the trusted comment that signs it.
[[nodiscard]] std::string show_root(const Root& root, const Digests& digests);

/// The first root of a feed.
int run_root(const RootOptions& options, UnixSeconds now);
/// The root after the one in `file`: keys added and gone, thresholds, a new expiry. The profile stays.
int run_root_rotate(const std::string& file, const RootOptions& options, UnixSeconds now);
/// What a root says, its hash and the trusted comment that signs it. With `previous`: whether it may follow that root,
/// by the signatures beside it; the exit code says so.
int run_root_show(const std::string& file, const std::string& previous, bool json, UnixSeconds now);

}  // namespace sluice
