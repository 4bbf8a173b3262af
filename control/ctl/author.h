#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rules/model/order.h"
#include "rules/sign/minisign.h"
#include "rules/text/guard_config.h"

namespace sluice {

// The commands of an authority: they need files only. Each prints to stdout (errors to stderr) and returns the exit
// code of docs/interfaces.md.

struct CheckOptions {
  std::vector<std::string> files;
  GuardConfig guards;     ///< lists beyond the shipped ones
  std::string referrals;  ///< ledger into which URLs and accounts are entered (guard G3); empty: none
  bool json = false;
};
int run_check(const CheckOptions& options, UnixSeconds now);

struct BundleOptions {
  std::string feed;
  std::uint64_t epoch = 1, seq = 0, root = 1;
  std::string prev;                  ///< path of the snapshot before; empty: this is the first
  std::string base;                  ///< the same, and a delta on it is to be written; empty: a snapshot is
  std::string whole;                 ///< with `base`: where the snapshot that results goes; empty: OUT.whole
  std::string churn_why;             ///< why so much changes at once (guard G7)
  UnixSeconds valid_s = 14 * 86400;  ///< from now to expiry; at most 30 days
  std::string out;                   ///< empty: FEED-EPOCH-SEQ.jsonl
  std::vector<std::string> files;
  bool json = false;
};
int run_bundle(const BundleOptions& options, UnixSeconds now);

int run_keygen(const std::string& out, bool with_password, bool json);

/// What makes minisign signatures: a secret key file, or a token behind PKCS#11. The error is one line.
struct Signer {
  std::function<Result<MinisignSignature, std::string>(const Blake2b512& digest, const std::string& comment)> sign;
};
/// Bundles and roots (FILE.json): shows what each says, and signs it.
int run_sign(const Signer& signer, const std::vector<std::string>& files, bool json);
int run_sign(const std::string& key_file, const std::vector<std::string>& files, bool json);
/// A line from the terminal without echo; from stdin where that is no terminal (a pipe).
[[nodiscard]] std::string ask_password(const std::string& prompt);
/// FILE.*.minisig beside the file, sorted.
[[nodiscard]] std::vector<std::string> signatures_beside(const std::string& file);

/// `signatures` empty: every BUNDLE.*.minisig beside the bundle.
int run_verify(const std::string& root_file, const std::string& bundle, std::vector<std::string> signatures, bool json,
               UnixSeconds now);

/// An RPZ zone of one bundle, whose signatures are not asked for; `out` empty: to stdout.
int run_export(const std::string& bundle, const std::string& zone, const std::string& out, UnixSeconds now);

/// "14d", "72h", "90m", "30s" → seconds; nothing where it is not one of these.
[[nodiscard]] std::optional<UnixSeconds> duration_from(std::string_view text);

}  // namespace sluice
