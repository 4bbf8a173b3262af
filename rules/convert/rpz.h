#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "rules/model/decide.h"
#include "rules/model/name.h"

namespace sluice {

struct RpzOptions {
  Name zone;            ///< apex of the policy zone
  UnixSeconds now = 0;  ///< orders in force at this second; also the serial, modulo 2^32
  std::uint32_t ttl_s = 60;
};

struct RpzZone {
  std::string text;            ///< a master file (RFC 1035 5)
  std::uint64_t records = 0;   ///< policy records
  std::uint64_t patterns = 0;  ///< targets left out: patterns cannot be expressed
  std::uint64_t unspeakable =
      0;  ///< targets left out: too long below the zone's name, or read as another kind of trigger
};

/// The orders of these feeds as a response policy zone (draft-vixie-dnsop-dns-rpz), for resolvers:
/// blocked → `CNAME *.` (NODATA), allowed → `CNAME rpz-passthru.`, an exact target → its name, a subtree → its name and
/// `*.` below it. For every name it says what decide() says for Method::Dns, but for what the format cannot say:
/// patterns and unspeakable names (listed in comments), and qtypes: NODATA is for every type, also where an order says
/// `web`. Wildcards of a zone stop at every name that exists below them (RFC 4592 3.3), so where a record lies below a
/// wildcard, all names on the way repeat what the wildcard says, for themselves and for what is below.
[[nodiscard]] RpzZone write_rpz(std::span<const Feed> feeds, const RpzOptions& options);

}  // namespace sluice
