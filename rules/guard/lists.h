#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/text/text_error.h"

namespace sluice {

/// A name that no order may block (guard G2).
struct ProtectedName {
  std::string category;  ///< "resolver", "bank" …
  Scope scope = Scope::Subtree;
  std::string name;  ///< canonical
  friend bool operator==(const ProtectedName&, const ProtectedName&) = default;
};

/// What the guards judge by. All names are canonical.
struct GuardLists {
  std::vector<ProtectedName> protected_names;
  std::vector<std::string> popular;    ///< well-known sites
  std::vector<std::string> platforms;  ///< shared by many unrelated parties
  std::vector<std::string> ordinary;   ///< made names that stand for all the others
};

/// Lines of "CATEGORY SCOPE NAME"; "#" begins a comment line. All errors, each with its line.
[[nodiscard]] Result<std::vector<ProtectedName>, std::vector<TextError>> read_protected_names(std::string_view text);

/// One name a line, or RANK,NAME as in Tranco's top-1m.csv; "#" begins a comment line. All errors, each with its line.
[[nodiscard]] Result<std::vector<std::string>, std::vector<TextError>> read_name_list(std::string_view text);

/// The texts of rules/guard/lists, as they were at the build.
struct ShippedTexts {
  std::string_view protected_names, popular, platforms, ordinary;
};
[[nodiscard]] ShippedTexts shipped_texts() noexcept;

/// The lists that ship.
[[nodiscard]] GuardLists shipped_lists();

}  // namespace sluice
