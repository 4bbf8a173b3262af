#pragma once

#include <cstdlib>

#include "rules/convert/imported.h"

namespace sluice {

/// What came out of whatever bytes: canonical names, each said once, and no block of a public suffix.
inline void check_imported(const Imported& imported) {
  const ImportedName* before = nullptr;
  for (const ImportedName& name : imported.names) {
    const auto again = canonical_name(name.target.name.text());
    if (!again.has_value() || *again != name.target.name) std::abort();
    if (before != nullptr && before->target == name.target && before->action == name.action &&
        before->number == name.number) {
      std::abort();
    }
    before = &name;
  }
}

}  // namespace sluice
