// Whatever bytes come: no crash; what is accepted is written and read again the same; chunks make no difference.
#include "rules/text/bundle_jsonl.h"

#include <algorithm>
#include <cstdlib>

using namespace sluice;

namespace {

bool accepts_in_pieces(Bytes bytes) {
  BundleReader reader({}, {});
  for (std::size_t at = 0; at < bytes.size(); at += 61) {
    if (!reader.add(bytes.subspan(at, std::min<std::size_t>(61, bytes.size() - at))).has_value()) return false;
  }
  return reader.finish().has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto snapshot = read_snapshot(text);
  if (snapshot.has_value() != accepts_in_pieces({data, size})) std::abort();
  if (!snapshot.has_value()) return 0;
  const std::string canonical = write_snapshot(*snapshot);
  const auto again = read_snapshot(canonical);
  if (!again.has_value() || again->header != snapshot->header || again->orders != snapshot->orders) std::abort();
  if (write_snapshot(*again) != canonical) std::abort();
  return 0;
}
