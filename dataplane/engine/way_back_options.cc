#include "dataplane/engine/way_back_options.h"

#include <arpa/inet.h>

#include <algorithm>
#include <fstream>
#include <string_view>

#include "dataplane/engine/option_text.h"

namespace sluice {
namespace {

constexpr std::size_t kMostWays = 65'536;

struct TunnelWord {
  std::string_view word;
  Tunnel tunnel;
  bool endpoints;
  std::uint8_t ids;       ///< most of them
  std::uint32_t last_id;  ///< largest
  bool one_way;           ///< ids of one direction say nothing of the other
};
constexpr std::array<TunnelWord, 8> kTunnels{{
    {"vlan", Tunnel::Vlan, false, 4, 4094, true},
    {"mpls", Tunnel::Mpls, false, 4, 0xfffff, true},
    {"ip", Tunnel::Ip, true, 0, 0, false},
    {"gre", Tunnel::Gre, true, 1, 0xffffffff, false},
    {"erspan", Tunnel::Erspan, true, 0, 0, false},
    {"vxlan", Tunnel::Vxlan, true, 1, 0xffffff, false},
    {"geneve", Tunnel::Geneve, true, 1, 0xffffff, false},
    {"gtp", Tunnel::GtpUser, true, 1, 0xffffffff, true},
}};

/// Text up to the next `separator`, which is taken too.
std::string_view next(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

TunnelIds ids(std::string_view text, const TunnelWord& tunnel, const std::string& what) {
  TunnelIds found;
  do {
    const auto id = number<std::uint32_t>(next(text, '.'), what);
    if (found.count == tunnel.ids) reject(what + ": more ids than such a tunnel has");
    if (id > tunnel.last_id) reject(what + ": ids are at most " + std::to_string(tunnel.last_id));
    found.id[found.count++] = id;
  } while (!text.empty());
  return found;
}

/// Address family of the text.
bool read_address(std::string_view text, std::array<std::uint8_t, 16>& out, const std::string& what) {
  const std::string address(text);
  const bool ipv6 = address.find(':') != std::string::npos;
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, address.c_str(), out.data()) != 1)
    reject(what + ": not an address: '" + address + "'");
  return ipv6;
}

void check_inline(const WayBack& way, const TunnelWord& tunnel, const std::string& what) {
  if (way.tunnel == Tunnel::Erspan) reject(what + ": copies come in ERSPAN, in mirror mode only");
  if (tunnel.one_way && (!way.in || !way.out)) reject(what + ": needs in=… and out=…: its ids are one-way");
  if (way.out && !way.in) reject(what + ": out=… needs in=…");
  if (way.tunnel == Tunnel::Vlan && way.in->count != way.out->count) reject(what + ": as many ids out as in");
}

void check_mirrored(const WayBack& way, const std::string& what) {
  if (way.tunnel == Tunnel::Vlan) reject(what + ": in mirror mode tags are no obstacle");
  if (way.out) reject(what + ": out=… means nothing in mirror mode: answers leave as plain IP");
}

/// "TUNNEL[,from=IP,to=IP][,in=ID[.ID…]][,out=ID[.ID…]]"
WayBack way_back(std::string_view text, bool mirrored, const std::string& what) {
  const std::string_view word = next(text, ',');
  const auto* const tunnel = std::ranges::find(kTunnels, word, &TunnelWord::word);
  if (tunnel == kTunnels.end()) reject(what + ": tunnels are vlan, mpls, ip, gre, erspan, vxlan, geneve and gtp");
  WayBack way;
  way.tunnel = tunnel->tunnel;
  bool from = false, to = false, to_ipv6 = false;
  while (!text.empty()) {
    std::string_view value = next(text, ',');
    const std::string_view key = next(value, '=');
    if (key == "from" && tunnel->endpoints && !from) {
      way.ipv6 = read_address(value, way.from, what);
      from = true;
    } else if (key == "to" && tunnel->endpoints && !to) {
      to_ipv6 = read_address(value, way.to, what);
      to = true;
    } else if (key == "in" && tunnel->ids > 0 && !way.in) {
      way.in = ids(value, *tunnel, what);
    } else if (key == "out" && tunnel->ids > 0 && !way.out) {
      way.out = ids(value, *tunnel, what);
    } else {
      reject(what + ": '" + std::string(key) + "' is not known here, or given twice");
    }
  }
  if (tunnel->endpoints && (!from || !to || way.ipv6 != to_ipv6))
    reject(what + ": needs both end points, from=IP and to=IP, of one family");
  if (mirrored)
    check_mirrored(way, what);
  else
    check_inline(way, *tunnel, what);
  return way;
}

}  // namespace

void set_ways_back(Options& options, const std::vector<std::string>& texts, const std::filesystem::path& file) {
  const bool mirrored = options.policy.copies;
  std::vector<WayBack> ways;
  ways.reserve(texts.size());
  for (const std::string& text : texts) ways.push_back(way_back(text, mirrored, "--way-back " + text));
  if (!file.empty()) {
    std::ifstream lines(file);
    if (!lines) reject("--way-back-file " + file.string() + ": cannot be read");
    std::string line;
    for (std::size_t n = 1; std::getline(lines, line); ++n) {
      if (line.empty() || line.front() == '#') continue;
      ways.push_back(way_back(line, mirrored, file.string() + ":" + std::to_string(n)));
      if (ways.size() > kMostWays) reject(file.string() + ": more than " + std::to_string(kMostWays) + " ways back");
    }
  }
  options.policy.paths.ways_back = WaysBack(std::move(ways));
  if (const WayBack* twice = options.policy.paths.ways_back.repeated(); twice != nullptr) {
    const auto* const tunnel = std::ranges::find(kTunnels, twice->tunnel, &TunnelWord::tunnel);
    reject("--way-back: two ways for the same packets (" + std::string(tunnel->word) + ")");
  }
}

}  // namespace sluice
