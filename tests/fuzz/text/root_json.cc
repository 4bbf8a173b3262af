// Whatever bytes come: no crash, and an accepted root is written and read again the same.
#include <cstdlib>

#include "rules/text/root.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto root = sluice::read_root({reinterpret_cast<const char*>(data), size});
  if (!root.has_value()) return 0;
  const auto again = sluice::read_root(sluice::write_root(*root));
  if (!again.has_value() || *again != *root) std::abort();
  return 0;
}
