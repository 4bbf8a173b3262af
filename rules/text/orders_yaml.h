#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/text/text_error.h"

namespace sluice {

/// A TextError, and the file it is in: the order file, or a names file that it names.
struct FileError {
  std::string file;
  TextError error;
  friend bool operator==(const FileError&, const FileError&) = default;
};
[[nodiscard]] inline std::string to_string(const FileError& e) {
  return to_string(e.error, e.file);
}

/// A names file that was inlined: one name a line, "#" begins a comment line, empty lines are passed over.
struct NamesFile {
  std::string path;    ///< as the order file gives it
  std::string sha256;  ///< of its bytes, hex
};

/// Where a target stands: files[file] of its OrdersFile, line and column.
struct TargetPlace {
  std::uint32_t file = 0, line = 0, column = 0;
};
/// Where an order stands in the order file, and each of its targets.
struct OrderPlace {
  std::uint32_t line = 0, column = 0;
  std::vector<TargetPlace> targets;
};

/// An order file (schema sluice/orders/1) with its defaults merged and its names files inlined.
struct OrdersFile {
  std::string feed;
  std::vector<OrderWithTargets> orders;
  std::vector<OrderPlace> places;  ///< of orders[i]
  std::vector<std::string> files;  ///< the order file, then its names files, as errors call them
  std::vector<NamesFile> names_files;
  std::vector<FileError> warnings;  ///< names that mix scripts, targets that stand twice (kept once)
};

inline constexpr std::size_t kMaxNamesFileBytes = 512 * 1024 * 1024;

/// Gives the text of a names file, or says why not. The path is relative and has no ".." part: read_orders() sees to
/// it.
using ReadNamesFile = std::function<Result<std::string, std::string>(const std::string& path)>;

/// Reads an order file strictly (feed.md 1). All errors, each with its place; codes:
///   E_SCOPE  a URL, an account or an address where a name is wanted (guards G3, G4): says which instrument fits
///   G1       the target is, or is above, a public suffix: it would block unrelated parties below it
///   G8       a required field is missing, too long or lasts too long
///   PATTERN  an expression outside the rule for patterns (rules/text/pattern.h)
/// and none for text that is malformed.
[[nodiscard]] Result<OrdersFile, std::vector<FileError>> read_orders(std::string_view text, const std::string& file,
                                                                     const ReadNamesFile& read_names);

/// The same for a file on disk. Names files are looked up beside it; one that leaves its folder (also through a
/// symbolic link) is refused.
[[nodiscard]] Result<OrdersFile, std::vector<FileError>> read_orders_file(const std::string& path);

}  // namespace sluice
