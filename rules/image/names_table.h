#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "rules/image/format.h"

namespace sluice {

/// A target name and the index of the RefList of all orders that name it.
struct TableName {
  std::string_view name;  ///< canonical
  std::uint32_t refs = 0;
};

/// The three sections of the names table, as format.h describes them.
struct NamesTable {
  std::vector<std::uint64_t> filter;
  std::vector<Bucket> buckets;
  std::vector<std::uint8_t> records;
  std::uint32_t max_probe = 0;
  bool single_label = false;
};

/// Lays out the table of `names`, which are distinct. Nothing where the records outgrow their 30-bit places (4 GiB)
/// or hundreds of names share one hash.
[[nodiscard]] std::optional<NamesTable> build_names_table(const std::vector<TableName>& names, std::uint64_t seed);

}  // namespace sluice
