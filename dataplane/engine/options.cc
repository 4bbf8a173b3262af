#include "dataplane/engine/options.h"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "bpf/abi.h"
#include "dataplane/engine/option_text.h"
#include "dataplane/engine/port_options.h"
#include "dataplane/engine/way_back_options.h"

namespace sluice {
namespace {

Prefix prefix(const std::string& text) {
  Prefix result;
  const auto slash = text.find('/');
  const std::string address = text.substr(0, slash);
  result.ipv6 = address.find(':') != std::string::npos;
  if (inet_pton(result.ipv6 ? AF_INET6 : AF_INET, address.c_str(), result.address.data()) != 1) {
    reject("--subscribers: not an address: '" + text + "'");
  }
  const unsigned most = result.ipv6 ? 128 : 32;
  const unsigned bits =
      slash == std::string::npos ? most : number<unsigned>(std::string_view(text).substr(slash + 1), "--subscribers");
  if (bits > most) reject("--subscribers: prefix too long: '" + text + "'");
  result.bits = static_cast<std::uint8_t>(bits);
  return result;
}

void set_sinkhole(Policy& policy, const std::string& text) {
  const bool ipv6 = text.find(':') != std::string::npos;
  void* out = ipv6 ? static_cast<void*>(policy.sinkhole6.data()) : policy.sinkhole4.data();
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text.c_str(), out) != 1)
    reject("--sinkhole: not an address: '" + text + "'");
}

/// "cause=forward" or "cause=drop"
void set_row(Policy& policy, const std::string& text) {
  const auto equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const std::string row = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (row != "forward" && row != "drop") reject("--row " + text + ": want CAUSE=forward or CAUSE=drop");
  const auto* const info = std::ranges::find(kCauses, name, &CauseInfo::name);
  if (info == kCauses.end()) reject("--row " + text + ": no such cause");
  if (!is_choice(info->row)) reject("--row " + text + ": what happens then is not a choice");
  policy.rows[static_cast<std::size_t>(info - kCauses.begin())] = row == "drop" ? Row::Drop : Row::Forward;
}

void set_dns_ports(Policy& policy, const std::vector<std::uint16_t>& ports) {
  policy.dns_ports.clear();
  for (const std::uint16_t port : ports) {
    if (!policy.dns_ports.add(port)) reject("--dns-port: at most " + std::to_string(DnsPorts::kMost));
  }
}

/// "BYTES[:PER_SECOND]"
void set_credit(Policy& policy, const std::string& text) {
  const auto colon = text.find(':');
  policy.credit_bytes = number<std::uint32_t>(std::string_view(text).substr(0, colon), "--credit");
  if (colon != std::string::npos) {
    policy.credit_bytes_per_s = number<std::uint32_t>(std::string_view(text).substr(colon + 1), "--credit");
  }
}

/// An option that takes one of a few words; help shows them, and a wrong one is refused with the list.
template <class T>
void add_choice(CLI::App& app, const std::string& flag, T& value, const std::vector<std::pair<std::string, T>>& choices,
                const std::string& text) {
  std::map<std::string, T> by_word(choices.begin(), choices.end());
  std::string list;
  for (const auto& [word, unused] : choices) list.append(list.empty() ? "" : "|").append(word);
  app.add_option_function<std::string>(
         flag,
         [&value, flag, list, by_word = std::move(by_word)](const std::string& word) {
           const auto found = by_word.find(word);
           if (found == by_word.end()) reject(flag + " " + word + ": want " + list);
           value = found->second;
         },
         text)
      ->type_name(list);
}

void check_whole(const Options& options) {
  if (!options.cpus.empty() && options.cpus.size() != options.workers)
    reject("--lcores: one CPU for each of the workers");
  if (options.policy.dns == DnsAction::Sinkhole && (options.policy.sinkhole4 == decltype(Policy::sinkhole4){} ||
                                                    options.policy.sinkhole6 == decltype(Policy::sinkhole6){})) {
    reject("--dns sinkhole: needs --sinkhole with an IPv4 and an IPv6 address");
  }
  const bool captures = std::ranges::any_of(options.ports, [](const PortSpec& p) { return p.kind == PortKind::Pcap; });
  if (captures && options.workers != 1) reject("--workers: captures are read by one worker");
  if (options.image.empty() != options.image_key.empty()) reject("--image and --image-key go together");
}

}  // namespace

Result<Options, UsageError> parse_options(int argc, const char* const* argv) {
  Options options;
  Policy& policy = options.policy;
  std::vector<std::string> ports, next_hops, ways_back, subscribers, sinkholes, rows;
  std::string credit;
  std::filesystem::path ways_back_file;
  std::vector<std::uint16_t> dns_ports;
  std::uint64_t max_image_mb = 4096;
  gid_t group = 0;

  CLI::App app{"Moves packets between subscriber and internet ports and enforces the rule image.", "sluice-dataplane"};
  app.add_option("--port", ports,
                 "ROLE=KIND:DEVICE; ROLE subscriber|internet, or mirror|mirror-subscriber|mirror-internet|inject; "
                 "KIND xdp|packet|pci|pcap; repeat")
      ->required();
  app.add_option("--next-hop", next_hops,
                 "subscriber|internet=MAC[,vlan=ID[.ID]]: who takes on what an inject port sends");
  app.add_option("--way-back", ways_back,
                 "TUNNEL[,from=IP,to=IP][,in=IDS][,out=IDS]: answers go back through it; TUNNEL "
                 "vlan|mpls|ip|gre|vxlan|geneve|gtp, in mirror mode erspan; repeat");
  app.add_option("--way-back-file", ways_back_file, "a way back a line");
  app.add_option("--image", options.image, "rule image to load at start");
  app.add_option("--image-key", options.image_key, "public key that images must be signed with (64 hex digits)");
  app.add_option("--workers", options.workers, "packet threads (default 1)")
      ->check(CLI::Range(1U, unsigned{SLUICE_MAX_QUEUES}));
  app.add_option("--lcores", options.cpus, "CPUs of the workers: 0,1")->delimiter(',');
  add_choice<Mode>(app, "--mode", policy.mode, {{"observe", Mode::Observe}, {"enforce", Mode::Enforce}},
                   "observe (default): count verdicts, touch nothing");
  app.add_option("--subscribers", subscribers, "prefixes that may be answered: 10.0.0.0/8,2001:db8::/32")
      ->delimiter(',');
  add_choice<DnsAction>(app, "--dns", policy.dns,
                        {{"nodata", DnsAction::Nodata},
                         {"nxdomain", DnsAction::Nxdomain},
                         {"refused", DnsAction::Refused},
                         {"sinkhole", DnsAction::Sinkhole},
                         {"drop", DnsAction::Drop}},
                        "answer to a blocked query (default nodata)");
  app.add_option("--sinkhole", sinkholes, "addresses answered by --dns sinkhole")->delimiter(',');
  app.add_option("--dns-ttl", policy.dns_ttl_s, "of our answers, in seconds (default 60)")->check(CLI::Range(30U, 60U));
  app.add_option("--dns-port", dns_ports, "ports on which DNS is read (default 53): 53,5353")
      ->delimiter(',')
      ->check(CLI::Range(1, 65535));
  app.add_option("--dns-error-option", policy.structured_error_option,
                 "EDNS code point of structured DNS errors (a draft without one yet); default: never sent")
      ->check(CLI::Range(1, 65535));
  add_choice<TcpAction>(app, "--tls", policy.tls,
                        {{"reset", TcpAction::Reset}, {"alert", TcpAction::Alert}, {"drop", TcpAction::Drop}},
                        "end of a blocked TLS handshake (default reset)");
  add_choice<TcpAction>(app, "--http", policy.http,
                        {{"451", TcpAction::Alert}, {"reset", TcpAction::Reset}, {"drop", TcpAction::Drop}},
                        "end of a blocked HTTP request (default 451, where no earlier response is outstanding)");
  add_choice<bool>(app, "--unstarted", policy.read_unstarted, {{"read", true}, {"ignore", false}},
                   "names in TCP streams whose start was not seen (default read)");
  app.add_option("--operator-url", policy.operator_url, "who blocks: Link rel=blocked-by of a 451 (RFC 7725 4)");
  app.add_option("--row", rows, "CAUSE=forward|drop: changes a row of the policy table; repeat");
  app.add_option("--credit", credit, "BYTES[:PER_SECOND] by which DNS answers may outweigh queries, per source prefix");
  app.add_option("--run-dir", options.run_dir, "default /run/sluice");
  app.add_option("--wire-dir", options.wire_dir, "default /run/sluice/bpf");
  app.add_option("--memory-mb", options.memory_mb, "for packets (default 512)")->check(CLI::Range(64U, 1U << 20));
  app.add_option("--pci-mtu", options.pci_mtu, "of pci: ports (default: what they and their peers carry, at most 9000)")
      ->check(CLI::Range(1280U, 9600U));
  app.add_flag("--huge", options.huge, "insist on huge pages (default: where enough are free)");
  const auto* const group_option =
      app.add_option("--group", group, "id of the group that may read counters and telemetry");
  app.add_option("--max-image-mb", max_image_mb, "largest image taken (default 4096)")->check(CLI::Range(1U, 1U << 20));

  try {
    app.parse(argc, argv);
    set_ports(options, ports);
    set_next_hops(options, next_hops);
    set_ways_back(options, ways_back, ways_back_file);
    for (const auto& text : subscribers) policy.subscribers.push_back(prefix(text));
    for (const auto& text : sinkholes) set_sinkhole(policy, text);
    for (const auto& text : rows) set_row(policy, text);
    if (!dns_ports.empty()) set_dns_ports(policy, dns_ports);
    if (!credit.empty()) set_credit(policy, credit);
    if (group_option->count() > 0) options.group = group;
    options.max_image_bytes = max_image_mb << 20;
    check_whole(options);
    check_mirror(options, rows);
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(UsageError{0, app.help()});
  } catch (const BadOption& error) {
    return std::unexpected(UsageError{2, std::string("sluice-dataplane: ") + error.what()});
  } catch (const CLI::Error& error) {
    return std::unexpected(UsageError{2, std::string("sluice-dataplane: ") + error.what()});
  }
  return options;
}

}  // namespace sluice
