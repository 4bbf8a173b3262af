#include "dataplane/engine/interface.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

/// One ioctl on a throw-away socket: these are start-up and ten-times-a-second questions.
bool ask(const std::string& name, unsigned long request, ifreq& ifr) noexcept {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const std::size_t length = std::min(name.size(), sizeof ifr.ifr_name - 1);
  std::memcpy(ifr.ifr_name, name.data(), length);
  ifr.ifr_name[length] = '\0';
  const bool ok = ioctl(fd, request, &ifr) == 0;
  close(fd);
  return ok;
}

template <class Command>
bool ethtool(const std::string& name, Command& command) noexcept {
  ifreq ifr{};
  ifr.ifr_data = reinterpret_cast<char*>(&command);
  return ask(name, SIOCETHTOOL, ifr);
}

/// Switches one of the old-style offload flags off and tells whether it is off.
bool switched_off(const std::string& name, std::uint32_t get, std::uint32_t set, std::uint32_t bits) noexcept {
  ethtool_value now{get, 0};
  if (!ethtool(name, now) || (now.data & bits) == 0) return true;
  ethtool_value off{set, now.data & ~bits};
  (void)ethtool(name, off);
  return ethtool(name, now) && (now.data & bits) == 0;
}

}  // namespace

Result<Interface, std::string> Interface::find(const std::string& name) {
  Interface found(name);
  ifreq ifr{};
  if (name.size() >= IFNAMSIZ || !ask(name, SIOCGIFMTU, ifr))
    return std::unexpected("no interface " + name + " in this network namespace");
  found.mtu_ = static_cast<unsigned>(ifr.ifr_mtu);
  if (ask(name, SIOCGIFHWADDR, ifr)) std::memcpy(found.mac_.data(), ifr.ifr_hwaddr.sa_data, found.mac_.size());
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (ethtool(name, channels)) found.channels_ = std::max(1U, channels.combined_count + channels.rx_count);
  return found;
}

bool Interface::keep_frames_as_they_come() const noexcept {
  constexpr std::uint32_t kGro = 1;
  const bool gro = switched_off(name_, ETHTOOL_GGRO, ETHTOOL_SGRO, kGro);
  const bool flags = switched_off(name_, ETHTOOL_GFLAGS, ETHTOOL_SFLAGS, ETH_FLAG_LRO | ETH_FLAG_RXVLAN);
  return gro && flags;
}

bool Interface::set_up(bool up) const noexcept {
  ifreq ifr{};
  if (!ask(name_, SIOCGIFFLAGS, ifr)) return false;
  if (((ifr.ifr_flags & IFF_UP) != 0) == up) return true;
  ifr.ifr_flags = static_cast<short>(up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
  return ask(name_, SIOCSIFFLAGS, ifr);
}

// Not IFF_RUNNING: the kernel lets that lag behind the carrier by up to a second (linkwatch).
bool Interface::has_link() const noexcept {
  ifreq ifr{};
  ethtool_value link{ETHTOOL_GLINK, 0};
  if (!ask(name_, SIOCGIFFLAGS, ifr) || (ifr.ifr_flags & IFF_UP) == 0) return false;
  return !ethtool(name_, link) || link.data != 0;
}

}  // namespace sluice
