// Whatever bytes come: no crash, and the bundle of accepted orders is one that its reader accepts.
#include "rules/text/orders_yaml.h"

#include <cstdlib>

#include "rules/text/bundle_jsonl.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Names files get the input itself: their lines are as hostile as the rest.
  const auto names = [&](const std::string&) -> Result<std::string, std::string> { return std::string(text); };
  auto orders = read_orders(text, "dir/orders.yaml", names);
  if (!orders.has_value()) {
    if (orders.error().empty()) std::abort();
    return 0;
  }
  Snapshot snapshot;
  snapshot.header.feed = orders->feed;
  snapshot.header.expires = 1;
  snapshot.orders = std::move(orders->orders);
  const auto again = read_snapshot(write_snapshot(snapshot));
  if (!again.has_value() || again->orders != snapshot.orders) std::abort();
  return 0;
}
