#include "dataplane/reply/ways_back.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice {
namespace {

auto key(const WayBack& way) noexcept {
  return std::tie(way.tunnel, way.ipv6, way.from, way.to, way.in);
}

bool before(const WayBack& a, const WayBack& b) noexcept {
  return key(a) < key(b);
}

}  // namespace

WaysBack::WaysBack(std::vector<WayBack> ways) : ways_(std::move(ways)) {
  std::ranges::sort(ways_, before);
}

const WayBack* WaysBack::find(WayBack came) const noexcept {
  for (const bool any : {false, true}) {
    if (any) came.in.reset();
    const auto found = std::ranges::lower_bound(ways_, came, before);
    if (found != ways_.end() && key(*found) == key(came)) return &*found;
  }
  return nullptr;
}

const WayBack* WaysBack::repeated() const noexcept {
  const auto found =
      std::ranges::adjacent_find(ways_, [](const WayBack& a, const WayBack& b) { return key(a) == key(b); });
  return found == ways_.end() ? nullptr : &*found;
}

}  // namespace sluice
