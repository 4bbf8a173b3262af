#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/ledger/bundle_orders.h"
#include "control/ledger/entry.h"
#include "control/ledger/private_files.h"
#include "dataplane/base/result.h"
#include "rules/model/order.h"

namespace sluice {

/// The lists that the entries of one append speak of, on their way to the folders where they lie under their SHA-256.
class TargetLists {
 public:
  /// The order's target lines, as signed. `hold`: not to be seen yet.
  void copy(const BundleOrder& order, bool hold);
  /// For `publication: lookup`: one commitment a target instead, sorted, so that only who knows a name can find it.
  Result<TargetList, std::string> commit(const std::filesystem::path& bundle, const std::string& feed,
                                         const BundleOrder& order, const PrivateFiles& secrets);
  /// Writes what is not there yet, durably.
  Result<void, std::string> keep(const std::filesystem::path& bundle, const std::filesystem::path& shown,
                                 const std::filesystem::path& held) const;

 private:
  struct Copy {
    std::string sha256;
    std::uint64_t offset, length;
    bool hold;
  };
  struct Made {
    std::string sha256, bytes;
  };
  std::vector<Copy> copies_;
  std::vector<Made> made_;
};

/// Moves a list that was held back to where everybody may see it; fine where it is there already.
[[nodiscard]] Result<void, std::string> show_list(const std::string& sha256, const std::filesystem::path& held,
                                                  const std::filesystem::path& shown);

/// A target as bundles hold it, without its line end.
[[nodiscard]] std::string target_line(const Target& target);
/// What the commitment of one target of an order is salted for.
[[nodiscard]] std::string commitment_subject(std::string_view feed, std::string_view order, std::string_view line);

}  // namespace sluice
