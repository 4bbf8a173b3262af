#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/sign/bundle_file.h"

namespace sluice {

inline constexpr std::size_t kMaxRequestBytes = 64 * 1024;

struct FeedBundle {
  std::string feed;
  BundlePaths paths;
  std::vector<BundlePaths> roots{};  ///< that followed the configured one, ascending; each with its signatures
};
/// One order of a feed; where `order` is empty, all of them.
struct OrderRef {
  std::string feed, order;
};
/// A feed of which only that is enforced which an earlier image enforces, too; the rest is in shadow.
struct StagedFeed {
  std::string feed;
  std::string base;  ///< path of that image; empty: nothing stood
};
/// What sluiced asks for: an image of these bundles, in folder `out` (docs/interfaces.md, sluice-compile). The other
/// lists only ever take away from what is enforced.
struct CompileRequest {
  std::vector<FeedBundle> bundles;
  std::string out;
  std::vector<OrderRef> refused{};  ///< by the operator: left out; each names an order
  std::vector<OrderRef> shadow{};   ///< counted as observed, not enforced
  std::vector<StagedFeed> staged{};
};

struct CompiledImage {
  std::string path, sha256;
  std::uint64_t orders = 0, names = 0, patterns = 0;
  std::uint64_t refused = 0;  ///< orders that a guard left out
  double seconds = 0;
};
struct CompileFailure {
  std::string feed;    ///< empty where it is no feed's fault
  std::string code;    ///< of docs/interfaces.md: "rollback", "half-signed", …
  std::string detail;  ///< for people
};
using CompileOutcome = Result<CompiledImage, CompileFailure>;

/// One request packet. The error is a text for people.
[[nodiscard]] Result<CompileRequest, std::string> read_request(std::string_view json);
/// One answer packet, without a line end.
[[nodiscard]] std::string write_answer(const CompileOutcome& outcome);

}  // namespace sluice
