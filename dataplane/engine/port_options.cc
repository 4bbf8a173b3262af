#include "dataplane/engine/port_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "dataplane/engine/option_text.h"

namespace sluice {
namespace {

struct RoleWord {
  std::string_view word;
  PortRole role;
  Side side;
  bool both_sides;
};
constexpr std::array<RoleWord, 6> kRoles{{
    {"subscriber", PortRole::Inline, Side::Subscriber, false},
    {"internet", PortRole::Inline, Side::Internet, false},
    {"mirror", PortRole::Mirror, Side::Subscriber, true},
    {"mirror-subscriber", PortRole::Mirror, Side::Subscriber, false},
    {"mirror-internet", PortRole::Mirror, Side::Internet, false},
    {"inject", PortRole::Inject, Side::Internet, false},
}};

/// "role=kind:device[,output]"
PortSpec port_spec(const std::string& text) {
  const auto equals = text.find('=');
  const auto colon = text.find(':', equals == std::string::npos ? 0 : equals);
  if (equals == std::string::npos || colon == std::string::npos) reject("--port " + text + ": want ROLE=KIND:DEVICE");
  const std::string role = text.substr(0, equals);
  const std::string kind = text.substr(equals + 1, colon - equals - 1);

  PortSpec spec;
  spec.name = text.substr(equals + 1);
  spec.device = text.substr(colon + 1);
  const auto* const known = std::ranges::find(kRoles, role, &RoleWord::word);
  if (known == kRoles.end())
    reject("--port " + text + ": role is subscriber, internet, mirror, mirror-subscriber, mirror-internet or inject");
  spec.role = known->role;
  spec.side = known->side;
  spec.both_sides = known->both_sides;

  if (kind == "xdp")
    spec.kind = PortKind::Xdp;
  else if (kind == "packet")
    spec.kind = PortKind::Packet;
  else if (kind == "pci")
    spec.kind = PortKind::Pci;
  else if (kind == "pcap")
    spec.kind = PortKind::Pcap;
  else
    reject("--port " + text + ": kind is xdp, packet, pci or pcap");

  if (spec.kind == PortKind::Pcap) {
    if (const auto comma = spec.device.find(','); comma != std::string::npos) {
      spec.output = spec.device.substr(comma + 1);
      spec.device.resize(comma);
    }
    if (spec.output.find(',') != std::string::npos) reject("--port " + text + ": want pcap:IN[,OUT]");
    if (spec.device.empty() && spec.output.empty())
      reject("--port " + text + ": neither a capture to read nor one to write");
  } else if (spec.device.empty() || spec.device.find(',') != std::string::npos) {
    reject("--port " + text + ": want one device");
  }
  return spec;
}

/// First subscriber port with first internet port, and so on.
std::vector<PortSpec> paired(std::vector<PortSpec> ports) {
  std::array<std::vector<PortSpec>, 2> by_side;
  for (PortSpec& spec : ports) by_side[static_cast<std::size_t>(spec.side)].push_back(std::move(spec));
  auto& [subscriber, internet] = by_side;
  if (subscriber.empty() || subscriber.size() != internet.size()) {
    reject("--port: as many subscriber as internet ports, at least one of each");
  }
  std::vector<PortSpec> pairs;
  for (std::size_t i = 0; i < subscriber.size(); ++i) {
    pairs.push_back(std::move(subscriber[i]));
    pairs.push_back(std::move(internet[i]));
  }
  return pairs;
}

bool has_role(const PortSpec& spec, PortRole role) {
  return spec.role == role;
}

/// Mirror ports first, the injection port last.
std::vector<PortSpec> mirrored(std::vector<PortSpec> ports) {
  const auto count = [&](PortRole role) {
    return std::ranges::count_if(ports, [&](const PortSpec& p) { return has_role(p, role); });
  };
  if (count(PortRole::Inline) > 0)
    reject("--port: mirror and inject ports do not go with subscriber and internet ports: run two data planes");
  if (count(PortRole::Mirror) == 0) reject("--port: an inject port has nothing to answer without a mirror port");
  if (count(PortRole::Inject) > 1) reject("--port: more than one inject port");
  const auto inject = std::ranges::find(ports, PortRole::Inject, &PortSpec::role);
  if (inject != ports.end()) std::rotate(inject, inject + 1, ports.end());
  for (const PortSpec& spec : ports) {
    if (has_role(spec, PortRole::Mirror) && !spec.output.empty())
      reject("--port " + spec.name + ": nothing is ever sent on a mirror port");
  }
  if (const PortSpec& last = ports.back(); has_role(last, PortRole::Inject)) {
    if (last.kind == PortKind::Xdp) reject("--port " + last.name + ": an inject port only sends: use packet:");
    if (last.kind == PortKind::Pcap && !last.device.empty())
      reject("--port " + last.name + ": an inject port only sends: want pcap:,OUT");
  }
  return ports;
}

void check_devices(const std::vector<PortSpec>& ports) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (ports[i].kind != PortKind::Pcap && ports[i].device == ports[j].device)
        reject("--port: " + ports[i].device + " is given twice");
    }
  }
}

MacAddress mac_address(std::string_view text, const std::string& what) {
  MacAddress mac{};
  bool ok = text.size() == 17;
  for (std::size_t i = 0; ok && i < mac.size(); ++i) {
    const char* const digits = text.data() + 3 * i;
    ok = std::from_chars(digits, digits + 2, mac[i], 16).ptr == digits + 2 && (i == 5 || digits[2] == ':');
  }
  if (!ok) reject(what + ": not a MAC address: '" + std::string(text) + "'");
  if ((mac[0] & 1) != 0 || mac == MacAddress{}) reject(what + ": not the address of one station");
  return mac;
}

/// "MAC[,vlan=ID[.ID]]"
NextHop next_hop(std::string_view text, const std::string& what) {
  constexpr std::string_view kVlan = ",vlan=";
  NextHop hop;
  const auto comma = text.find(',');
  hop.mac = mac_address(text.substr(0, comma), what);
  if (comma == std::string_view::npos) return hop;
  if (!text.substr(comma).starts_with(kVlan)) reject(what + ": want MAC[,vlan=ID[.ID]]");
  std::string_view ids = text.substr(comma + kVlan.size());
  for (bool more = true; more; ++hop.tags) {
    if (hop.tags == hop.vlan.size()) reject(what + ": more than two VLAN ids");
    const auto dot = ids.find('.');
    const auto id = number<std::uint16_t>(ids.substr(0, dot), what);
    if (id == 0 || id > 4094) reject(what + ": a VLAN id is 1 to 4094");
    hop.vlan[hop.tags] = id;
    more = dot != std::string_view::npos;
    if (more) ids.remove_prefix(dot + 1);
  }
  return hop;
}

}  // namespace

void set_ports(Options& options, const std::vector<std::string>& texts) {
  std::vector<PortSpec> ports;
  ports.reserve(texts.size());
  for (const auto& text : texts) ports.push_back(port_spec(text));
  const bool all_inline = std::ranges::all_of(ports, [](const PortSpec& p) { return has_role(p, PortRole::Inline); });
  options.policy.copies = !all_inline;
  options.ports = all_inline ? paired(std::move(ports)) : mirrored(std::move(ports));
  check_devices(options.ports);
}

void set_next_hops(Options& options, const std::vector<std::string>& texts) {
  if (!has_role(options.ports.back(), PortRole::Inject)) {
    if (!texts.empty()) reject("--next-hop: without an inject port");
    return;
  }
  Injection injection;
  bool subscriber = false, internet = false;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    const std::string side = text.substr(0, equals), what = "--next-hop " + text;
    const NextHop hop = next_hop(equals == std::string::npos ? "" : std::string_view(text).substr(equals + 1), what);
    if (side != "subscriber" && side != "internet") reject(what + ": want subscriber=MAC or internet=MAC");
    bool& seen = side == "subscriber" ? subscriber : internet;
    if (std::exchange(seen, true)) reject(what + ": given twice");
    (side == "subscriber" ? injection.to_subscribers : injection.to_internet) = hop;
  }
  if (!subscriber || !internet)
    reject("--next-hop: an inject port needs both, subscriber=MAC and internet=MAC: nothing is resolved");
  options.policy.paths.injection = injection;
}

void check_mirror(const Options& options, const std::vector<std::string>& rows) {
  const Policy& policy = options.policy;
  if (!policy.copies) return;
  const bool both = std::ranges::any_of(options.ports, &PortSpec::both_sides);
  if (both && policy.subscribers.empty())
    reject("--subscribers: needed to tell the directions of copies on a mirror port apart");
  if (policy.mode == Mode::Observe) return;
  if (!policy.paths.injection) reject("--mode enforce: mirror ports need an inject port, where answers leave");
  if (policy.subscribers.empty()) reject("--mode enforce: mirror ports answer nobody without --subscribers");
  if (policy.dns == DnsAction::Drop || policy.tls == TcpAction::Drop || policy.http == TcpAction::Drop)
    reject("--dns, --tls, --http drop: a copy cannot be dropped");
  if (std::ranges::any_of(rows, [](const std::string& row) { return row.ends_with("=drop"); }))
    reject("--row: a copy cannot be dropped");
}

const char* role_name(const PortSpec& spec) noexcept {
  const auto* const known = std::ranges::find_if(kRoles, [&](const RoleWord& r) {
    return r.role == spec.role && r.side == spec.side && r.both_sides == spec.both_sides;
  });
  return known->word.data();
}

}  // namespace sluice
