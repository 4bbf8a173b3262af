// Whatever bytes come, as a delta and as its base: no crash; what is accepted is written again the same; what results
// is canonical, and the diff leads there again.
#include "rules/delta/delta.h"

#include <cstdlib>

using namespace sluice;

namespace {

constexpr std::string_view kBetween = "\n--\n";

void check(const Delta& delta, std::string_view base_text) {
  const auto base = SnapshotText::read(base_text);
  if (!base.has_value()) return;
  const auto result = apply_delta(*base, delta);
  if (!result.has_value()) return;
  const auto cut = SnapshotText::read(*result);
  if (!cut.has_value() || !cut->canonical()) std::abort();
  const Delta again{delta.header, diff(*base, *cut)};
  const auto same = apply_delta(*base, again);
  if (!same.has_value() || *same != *result) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t between = text.find(kBetween);
  const std::string_view delta_text = text.substr(0, between == std::string_view::npos ? size : between + 1);
  const auto delta = read_delta(delta_text);
  if (!delta.has_value()) return 0;
  const std::string written = write_delta(delta->header, delta->changes);
  const auto again = read_delta(written);
  if (!again.has_value() || again->changes != delta->changes || again->header != delta->header) std::abort();
  if (between != std::string_view::npos) check(*delta, text.substr(between + kBetween.size()));
  return 0;
}
