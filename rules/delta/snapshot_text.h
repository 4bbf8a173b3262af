#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/text/text_error.h"

namespace sluice {

/// The lines of one order of a snapshot, each without its "\n". Views into the snapshot's text.
struct OrderText {
  std::string_view id;
  std::string_view line;                  ///< {"order":…}
  std::vector<std::string_view> targets;  ///< ascending by their bytes, each once
  std::string_view whole;                 ///< the order's lines as they stand, each with its "\n"
};

/// A snapshot cut into its orders, ascending by id. Reads no JSON but the ids: the text is one that BundleReader
/// accepts. Its views are good for as long as the text.
class SnapshotText {
 public:
  /// An error where the text is not even cut like a snapshot: no header, no id, an order twice or without targets.
  static Result<SnapshotText, TextError> read(std::string_view text);

  [[nodiscard]] std::string_view header() const noexcept { return header_; }
  [[nodiscard]] std::span<const OrderText> orders() const noexcept { return orders_; }
  /// True where orders and targets stood in ascending order, each target once: what a delta can build on and give.
  [[nodiscard]] bool canonical() const noexcept { return canonical_; }

 private:
  std::string_view header_;
  std::vector<OrderText> orders_;
  bool canonical_ = true;
};

}  // namespace sluice
