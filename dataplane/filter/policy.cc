#include "dataplane/filter/policy.h"

#include <algorithm>
#include <cstring>

namespace sluice {

bool Prefix::contains(Bytes addr) const noexcept {
  if (addr.size() != (ipv6 ? 16U : 4U) || bits > addr.size() * 8) return false;
  const std::size_t whole = bits / 8;
  if (std::memcmp(address.data(), addr.data(), whole) != 0) return false;
  const unsigned rest = bits % 8U;
  return rest == 0 || (address[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

bool Policy::is_subscriber(Bytes addr) const noexcept {
  return std::any_of(subscribers.begin(), subscribers.end(), [&](const Prefix& p) { return p.contains(addr); });
}

}  // namespace sluice
