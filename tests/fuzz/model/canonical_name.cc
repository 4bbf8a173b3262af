// Whatever bytes come: no crash, and an accepted name is canonical, within its limits and a fixed point.
#include <cstdlib>

#include "rules/model/name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)sluice::mixes_scripts(text);
  const auto name = sluice::canonical_name(text);
  if (!name.has_value()) return 0;
  const std::string& canonical = name->text();
  if (canonical.empty() || canonical.size() > sluice::kMaxNameBytes) std::abort();
  if (canonical.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") != std::string::npos) std::abort();
  const auto again = sluice::canonical_name(canonical);
  if (!again.has_value() || again->text() != canonical) std::abort();
  return 0;
}
