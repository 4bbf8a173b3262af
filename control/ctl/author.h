#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/model/order.h"
#include "rules/text/guard_config.h"

namespace sluice {

// The commands of an authority: they need files only. Each prints to stdout (errors to stderr) and returns the exit
// code of docs/interfaces.md.

struct CheckOptions {
  std::vector<std::string> files;
  GuardConfig guards;  ///< lists beyond the shipped ones
  bool json = false;
};
int run_check(const CheckOptions& options, UnixSeconds now);

struct BundleOptions {
  std::string feed;
  std::uint64_t epoch = 1, seq = 0, root = 1;
  std::string prev;                  ///< path of the bundle before; empty: this is the first
  std::string churn_why;             ///< why so much changes at once (guard G7)
  UnixSeconds valid_s = 14 * 86400;  ///< from now to expiry; at most 30 days
  std::string out;                   ///< empty: FEED-EPOCH-SEQ.jsonl
  std::vector<std::string> files;
  bool json = false;
};
int run_bundle(const BundleOptions& options, UnixSeconds now);

int run_keygen(const std::string& out, bool with_password, bool json);

struct RootOptions {
  std::string feed;
  std::vector<std::string> keys;        ///< PARTY:FILE.pub or PARTY:FILE.pub:NAME
  std::vector<std::string> thresholds;  ///< PARTY=N; 1 where not given
  std::uint64_t version = 1, epoch = 1;
  UnixSeconds valid_s = 365 * 86400;
  std::string out;  ///< empty: stdout
  bool json = false;
};
int run_root(const RootOptions& options, UnixSeconds now);

int run_sign(const std::string& key_file, const std::vector<std::string>& bundles, bool json);

/// `signatures` empty: every BUNDLE.*.minisig beside the bundle.
int run_verify(const std::string& root_file, const std::string& bundle, std::vector<std::string> signatures, bool json,
               UnixSeconds now);

/// An RPZ zone of one bundle, whose signatures are not asked for; `out` empty: to stdout.
int run_export(const std::string& bundle, const std::string& zone, const std::string& out, UnixSeconds now);

/// "14d", "72h", "90m", "30s" → seconds; nothing where it is not one of these.
[[nodiscard]] std::optional<UnixSeconds> duration_from(std::string_view text);

}  // namespace sluice
