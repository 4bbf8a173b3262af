#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Guard G4: why a canonical name stands for an address, or empty where it does not. Such names pass from one party to
/// the next with the address, and an address is shared by many. So: an IPv4 literal (a name whose last label is a
/// number), in-addr.arpa and ip6.arpa, and names that carry an address of theirs: four numbers of 0..255 joined by
/// hyphens within a label (ip-192-0-2-1, ec2-192-0-2-1) or standing as four labels, eight groups of hex joined by
/// hyphens.
[[nodiscard]] std::string address_shape(std::string_view name);

}  // namespace sluice
