// Whatever bytes come: no crash, and an accepted configuration names feeds and absolute paths.
#include <cstdlib>

#include "rules/text/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = sluice::read_config({reinterpret_cast<const char*>(data), size});
  if (!config.has_value()) {
    if (config.error().empty()) std::abort();
    return 0;
  }
  if (config->feeds.empty()) std::abort();
  for (const auto& feed : config->feeds) {
    if (feed.feed.empty() || !feed.root.starts_with('/')) std::abort();
  }
  return 0;
}
