#pragma once

#include <string>

#include "rules/convert/export_list.h"
#include "rules/convert/imported.h"

namespace sluice {

// Other tools' lists in and out (rules/convert). Each returns the exit code of docs/interfaces.md.

struct ImportOptions {
  std::string format;  ///< hosts, plain, adblock, rpz, dump or csv
  std::string file;
  std::string defaults;  ///< file with schema, feed and defaults of an order file
  std::string id, number;
  std::string scope;    ///< exact or subtree; of plain, and of csv without a column for it
  std::string columns;  ///< of csv
  std::string separator = ",";
  bool heading = false;
  std::string out;        ///< order file to write
  std::string referrals;  ///< ledger into which URLs and accounts are entered; empty: none
  bool json = false;
};
/// Writes an order file and says what was lost, as FILE:LINE:COLUMN.
int run_import(const ImportOptions& options, UnixSeconds now);

struct ExportOptions {
  std::string bundle;
  ListOptions list;
  std::string out;  ///< empty: stdout
};
/// The names that a bundle blocks, for another tool; its signatures are not asked for.
int run_export_list(const ExportOptions& options);

}  // namespace sluice
