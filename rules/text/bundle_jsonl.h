#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/base/bytes.h"
#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/text/text_error.h"

namespace sluice {

inline constexpr std::size_t kMaxBundleLineBytes = 64 * 1024;  ///< without the line end
inline constexpr std::size_t kMaxPatternBytes = 1024;

struct BundleLimits {
  std::uint64_t bytes = std::uint64_t{1} << 30;
  std::uint64_t orders = 100'000;
  std::uint64_t targets = 10'000'000;
};

enum class BundleErrorKind : std::uint8_t {
  Malformed,  ///< not what the contract says
  TooLarge,   ///< over one of the limits
  Counts,     ///< the header announces other numbers of orders or targets than there are
};
struct BundleError {
  BundleErrorKind kind = BundleErrorKind::Malformed;
  TextError where;
};

/// What a reader calls, in the order of the file: header once, then each order followed by its targets. Empty members
/// are not called.
struct BundleCallbacks {
  std::function<void(const SnapshotHeader&)> header;
  std::function<void(Order&&)> order;
  std::function<void(Target&&)> target;
};

/// Reads a snapshot (schema sluice/bundle/1) as a stream of chunks, in memory bounded by the longest line and the order
/// ids. Strict: unknown and duplicate fields, lines over 64 KiB, CR, a name that is not canonical, an id
/// used twice, an order without targets, a last line without its end, and counts that
/// do not match are errors. What was called back before an error, or before finish(), must not be acted on.
class BundleReader {
 public:
  BundleReader(BundleCallbacks callbacks, const BundleLimits& limits);
  ~BundleReader();
  BundleReader(BundleReader&&) noexcept;
  BundleReader& operator=(BundleReader&&) noexcept;

  /// The next bytes of the file. After an error, further calls return it again.
  Result<void, BundleError> add(Bytes chunk);
  /// The end of the file.
  Result<void, BundleError> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A whole snapshot from memory. Note that a million names need some 100 MB.
[[nodiscard]] Result<Snapshot, BundleError> read_snapshot(std::string_view text, const BundleLimits& limits = {});

/// The header alone, from the beginning of a file (which may go on after it).
[[nodiscard]] Result<BundleHeader, BundleError> read_bundle_header(std::string_view text);
/// The same, where a delta is malformed.
[[nodiscard]] Result<SnapshotHeader, BundleError> read_snapshot_header(std::string_view text);

/// The lines of the canonical form, each with its "\n": fields in the fixed order below, optional ones left out where
/// empty, `methods` in the order dns, sni, quic, http. What the reader accepts and these write is byte for byte the
/// same for a file that they wrote.
///   order action number authority basis{law court listings[{list ref organisation}]} reason{…} appeal{url email}
///   methods qtypes effective expires urgency renews attribution{evidence_sha256 assessed_at}
///   necessity{host_notice_at not_notified justification} publication overrides[{guard why}]
void append_header_line(std::string& out, const SnapshotHeader& header);
void append_header_line(std::string& out, const BundleHeader& header);
void append_order_line(std::string& out, const Order& order);
void append_target_line(std::string& out, const Target& target);
/// The whole snapshot; header.orders and header.targets are counted from `snapshot.orders`.
[[nodiscard]] std::string write_snapshot(const Snapshot& snapshot);

/// "dns", "sni", "quic", "http", and back (0 where unknown).
[[nodiscard]] std::string_view to_string(Method method) noexcept;
[[nodiscard]] MethodSet method_from(std::string_view text) noexcept;
[[nodiscard]] std::string_view to_string(QtypeSet qtypes) noexcept;     ///< "web", "all"
[[nodiscard]] std::string_view to_string(OrderAction action) noexcept;  ///< "block", "allow"
[[nodiscard]] std::string_view to_string(Scope scope) noexcept;         ///< "exact", "subtree"

}  // namespace sluice
