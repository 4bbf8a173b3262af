#include "dataplane/engine/options.h"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

Result<Options, UsageError> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "sluice-dataplane");
  return parse_options(static_cast<int>(words.size()), words.data());
}

/// The same with a pair of ports before it.
Result<Options, UsageError> parse_more(std::vector<const char*> words) {
  words.insert(words.begin(), {"--port", "subscriber=xdp:eth1", "--port", "internet=xdp:eth2"});
  return parse(std::move(words));
}

}  // namespace

TEST_CASE("options: observe is the default, one worker, nobody is answered") {
  const auto options = parse_more({});
  REQUIRE(options.has_value());
  CHECK(options->policy.mode == Mode::Observe);
  CHECK(options->workers == 1);
  CHECK(options->policy.subscribers.empty());
  CHECK(options->run_dir == "/run/sluice");
}

TEST_CASE("options: first subscriber port pairs with first internet port, in whatever order they are given") {
  const auto options = parse({"--port", "internet=packet:b1", "--port", "internet=pci:0000:01:00.0", "--port",
                              "subscriber=xdp:a1", "--port", "subscriber=pcap:in.pcap,out.pcap"});
  REQUIRE(options.has_value());
  REQUIRE(options->ports.size() == 4);
  CHECK(options->ports[0].device == "a1");
  CHECK(options->ports[0].side == Side::Subscriber);
  CHECK(options->ports[1].device == "b1");
  CHECK(options->ports[1].kind == PortKind::Packet);
  CHECK(options->ports[2].device == "in.pcap");
  CHECK(options->ports[2].output == "out.pcap");
  CHECK(options->ports[3].kind == PortKind::Pci);
  CHECK(options->ports[3].device == "0000:01:00.0");
}

TEST_CASE("options: policy is taken over whole") {
  const auto options = parse_more({"--mode",
                                   "enforce",
                                   "--dns",
                                   "sinkhole",
                                   "--sinkhole",
                                   "192.0.2.1,2001:db8::1",
                                   "--dns-ttl",
                                   "30",
                                   "--tls",
                                   "alert",
                                   "--subscribers",
                                   "10.0.0.0/8,2001:db8::/32",
                                   "--row",
                                   "too-deep=drop",
                                   "--row",
                                   "no-image=drop",
                                   "--credit",
                                   "100:7",
                                   "--unstarted",
                                   "ignore",
                                   "--group",
                                   "44",
                                   "--dns-port",
                                   "53,5353",
                                   "--dns-error-option",
                                   "65500"});
  REQUIRE(options.has_value());
  const Policy& policy = options->policy;
  CHECK(policy.mode == Mode::Enforce);
  CHECK(policy.dns == DnsAction::Sinkhole);
  CHECK(policy.sinkhole4 == std::array<std::uint8_t, 4>{192, 0, 2, 1});
  CHECK(policy.sinkhole6[15] == 1);
  CHECK(policy.dns_ttl_s == 30);
  CHECK(policy.tls == TcpAction::Alert);
  REQUIRE(policy.subscribers.size() == 2);
  CHECK(policy.subscribers[0].bits == 8);
  CHECK(policy.subscribers[1].ipv6);
  CHECK(policy.subscribers[1].bits == 32);
  CHECK(policy.rows[static_cast<std::size_t>(Cause::TooDeep)] == Row::Drop);
  CHECK(policy.rows[static_cast<std::size_t>(Cause::NoImage)] == Row::Drop);
  CHECK(policy.credit_bytes == 100);
  CHECK_FALSE(policy.read_unstarted);
  CHECK(policy.credit_bytes_per_s == 7);
  CHECK(options->group == gid_t{44});
  CHECK(policy.dns_ports.contains(5353));
  CHECK_FALSE(policy.dns_ports.contains(54));
  CHECK(policy.structured_error_option == 65500);
}

TEST_CASE("options: help is no error") {
  const auto options = parse({"--help"});
  REQUIRE_FALSE(options.has_value());
  CHECK(options.error().exit_code == 0);
  CHECK(options.error().message.find("observe|enforce") != std::string::npos);
  CHECK(options.error().message.find("--max-image-mb") != std::string::npos);
  CHECK(options.error().message.find('\0') == std::string::npos);
}

TEST_CASE("options: a bad command line is refused with code 2 and names what is wrong") {
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases = {
      {{"--port", "subscriber=xdp:a"}, "as many subscriber as internet"},
      {{"--port", "subscriber=xdp:a", "--port", "internet=xdp:a"}, "given twice"},
      {{"--port", "subscriber=xdp:a", "--port", "up=xdp:b"}, "role"},
      {{"--port", "subscriber=xdp:a", "--port", "internet=usb:b"}, "kind"},
      {{"--port", "subscriber=xdp:a,b", "--port", "internet=xdp:c"}, "one device"},
      {{"--port", "subscriber=xdp:", "--port", "internet=xdp:c"}, "one device"},
      {{"--port", "subscriber", "--port", "internet=xdp:c"}, "ROLE=KIND:DEVICE"},
      {{"--port", "subscriber=pcap:a,b,c", "--port", "internet=xdp:c"}, "pcap:IN[,OUT]"},
      {{"--workers", "2", "--port", "subscriber=pcap:a", "--port", "internet=pcap:b"}, "one worker"},
      {{"--port", "subscriber=xdp:a", "--port", "internet=xdp:b", "--mode", "block"},
       "--mode block: want observe|enforce"},
      {{"--port", "subscriber=pcap:a", "--port", "internet=pcap:b", "--row", "overload=drop"}, "not a choice"},
      {{"--port", "subscriber=pcap:a", "--port", "internet=pcap:b", "--dns-port", "0"}, "--dns-port"},
      {{"--port", "subscriber=pcap:a", "--port", "internet=pcap:b", "--dns-port", "1,2,3,4,5,6,7,8,9"}, "at most 8"},
  };
  for (const auto& [words, what] : cases) {
    const auto options = parse(words);
    INFO(what);
    REQUIRE_FALSE(options.has_value());
    CHECK(options.error().exit_code == 2);
    CHECK(options.error().message.find(what) != std::string::npos);
  }
}

TEST_CASE("options: mirror ports take next hops for what their injection port sends") {
  const auto options =
      parse({"--port", "inject=packet:i", "--port", "mirror=xdp:a", "--port", "mirror-subscriber=packet:b", "--port",
             "mirror-internet=pci:c", "--mode", "enforce", "--next-hop", "internet=02:00:00:00:00:0a,vlan=7.4094",
             "--next-hop", "subscriber=fe:DC:ba:98:76:54", "--subscribers", "10.0.0.0/8"});
  REQUIRE(options.has_value());
  CHECK(options->policy.copies);
  REQUIRE(options->ports.size() == 4);
  CHECK(options->ports[0].both_sides);
  CHECK(options->ports[1].side == Side::Subscriber);
  CHECK(options->ports[2].side == Side::Internet);
  CHECK(options->ports[3].role == PortRole::Inject);
  CHECK(role_name(options->ports[0]) == std::string("mirror"));
  CHECK(role_name(options->ports[2]) == std::string("mirror-internet"));
  REQUIRE(options->policy.paths.injection.has_value());
  const Injection& injection = *options->policy.paths.injection;
  CHECK(injection.to_subscribers.mac == MacAddress{0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54});
  CHECK(injection.to_subscribers.tags == 0);
  CHECK(injection.to_internet.tags == 2);
  CHECK(injection.to_internet.vlan == std::array<std::uint16_t, 2>{7, 4094});
}

TEST_CASE("options: mirror mode says what it lacks") {
  const char* const port = "--port";
  const char* const hop = "--next-hop";
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases = {
      {{port, "mirror=xdp:a", port, "subscriber=xdp:b"}, "run two data planes"},
      {{port, "inject=packet:a"}, "without a mirror port"},
      {{port, "mirror=xdp:a", port, "inject=packet:b", port, "inject=packet:c"}, "more than one inject"},
      {{port, "mirror=xdp:a", port, "inject=xdp:b"}, "use packet:"},
      {{port, "mirror=pcap:a,b"}, "nothing is ever sent"},
      {{port, "mirror=xdp:a", port, "inject=pcap:b"}, "want pcap:,OUT"},
      {{port, "mirror=xdp:a", port, "inject=packet:a"}, "given twice"},
      {{port, "mirror=xdp:a"}, "--subscribers"},
      {{port, "mirror=xdp:a", hop, "internet=02:00:00:00:00:01"}, "without an inject port"},
      {{port, "mirror=xdp:a", port, "inject=packet:b"}, "needs both"},
      {{port, "mirror=xdp:a", port, "inject=packet:b", hop, "internet=02:00:00:00:00:01"}, "needs both"},
      {{port, "mirror=xdp:a", port, "inject=packet:b", hop, "up=02:00:00:00:00:01"}, "want subscriber=MAC"},
      {{port, "mirror=xdp:a", port, "inject=packet:b", hop, "internet=02:00:00:00:00"}, "not a MAC address"},
      {{port, "mirror=xdp:a", port, "inject=packet:b", hop, "internet=03:00:00:00:00:01"}, "one station"},
      {{port, "mirror=xdp:a", port, "inject=packet:b", hop, "internet=02:00:00:00:00:01,vlan=4095"}, "1 to 4094"},
      {{port, "mirror=xdp:a", port, "inject=packet:b", hop, "internet=02:00:00:00:00:01,vlan=1.2.3"}, "more than two"},
      {{port, "mirror=xdp:a", port, "inject=packet:b", hop, "internet=02:00:00:00:00:01,id=1"}, "want MAC["},
      {{port, "mirror=xdp:a", "--subscribers", "10.0.0.0/8", "--mode", "enforce"}, "need an inject port"},
  };
  for (const auto& [words, what] : cases) {
    INFO(what);
    const auto options = parse(words);
    REQUIRE_FALSE(options.has_value());
    CHECK(options.error().message.find(what) != std::string::npos);
  }
}

TEST_CASE("options: a copy cannot be dropped") {
  const std::vector<const char*> mirror = {"--port",     "mirror-subscriber=xdp:a",
                                           "--port",     "inject=packet:b",
                                           "--next-hop", "subscriber=02:00:00:00:00:01",
                                           "--next-hop", "internet=02:00:00:00:00:02",
                                           "--mode",     "enforce"};
  CHECK_FALSE(parse(mirror).has_value());  // nobody would be answered
  const auto with = [&](std::vector<const char*> more) {
    more.insert(more.begin(), mirror.begin(), mirror.end());
    more.insert(more.end(), {"--subscribers", "10.0.0.0/8"});
    return parse(more).has_value();
  };
  CHECK(with({}));
  CHECK(with({"--row", "too-deep=forward"}));
  CHECK_FALSE(with({"--row", "too-deep=drop"}));
  CHECK_FALSE(with({"--tls", "drop"}));
  CHECK_FALSE(with({"--http", "drop"}));
  CHECK_FALSE(with({"--dns", "drop"}));
}

TEST_CASE("options: ways back are found by end points and ids, and where any ids do, by end points") {
  const auto options =
      parse_more({"--way-back", "mpls,in=16.17,out=300", "--way-back", "gre,from=10.0.0.1,to=10.0.0.2", "--way-back",
                  "gre,from=10.0.0.1,to=10.0.0.2,in=5,out=6", "--way-back", "ip,from=2001:db8::1,to=2001:db8::2"});
  REQUIRE(options.has_value());
  const WaysBack& ways = options->policy.paths.ways_back;
  WayBack came;
  came.tunnel = Tunnel::Gre;
  came.from = {10, 0, 0, 1};
  came.to = {10, 0, 0, 2};
  came.in = TunnelIds{.count = 1, .id = {5}};
  REQUIRE(ways.find(came) != nullptr);
  CHECK(ways.find(came)->out == TunnelIds{.count = 1, .id = {6}});
  came.in->id[0] = 7;
  REQUIRE(ways.find(came) != nullptr);
  CHECK_FALSE(ways.find(came)->out.has_value());
  std::swap(came.from, came.to);
  CHECK(ways.find(came) == nullptr);
  WayBack labels;
  labels.tunnel = Tunnel::Mpls;
  labels.in = TunnelIds{.count = 2, .id = {16, 17}};
  REQUIRE(ways.find(labels) != nullptr);
  labels.in = TunnelIds{.count = 1, .id = {16}};
  CHECK(ways.find(labels) == nullptr);
}

TEST_CASE("options: a way back that leads nowhere is refused, and why is said") {
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"l2tp,from=10.0.0.1,to=10.0.0.2", "tunnels are"},
      {"mpls,in=16", "one-way"},
      {"gtp,from=10.0.0.1,to=10.0.0.2,in=1", "one-way"},
      {"vlan,in=1.2,out=3", "as many ids"},
      {"vlan,in=4095,out=1", "at most 4094"},
      {"mpls,in=1.2.3.4.5,out=1", "more ids"},
      {"vxlan,from=10.0.0.1,to=10.0.0.2,in=16777216", "at most 16777215"},
      {"vxlan,from=10.0.0.1", "both end points"},
      {"ip,from=10.0.0.1,to=2001:db8::1", "one family"},
      {"ip,from=10.0.0,to=10.0.0.2", "not an address"},
      {"ip,from=10.0.0.1,to=10.0.0.2,in=1", "'in' is not known"},
      {"gre,from=10.0.0.1,from=10.0.0.1,to=10.0.0.2", "given twice"},
      {"gre,from=10.0.0.1,to=10.0.0.2,out=1", "out=… needs in=…"},
      {"gre,from=10.0.0.1,to=10.0.0.2,in=", "not a number"},
      {"erspan,from=10.0.0.1,to=10.0.0.2", "mirror mode only"},
  };
  for (const auto& [text, what] : cases) {
    INFO(text);
    const auto options = parse_more({"--way-back", text});
    REQUIRE_FALSE(options.has_value());
    CHECK(options.error().message.find(what) != std::string::npos);
  }
  CHECK_FALSE(parse_more({"--way-back", "ip,from=::1,to=::2", "--way-back", "ip,from=::1,to=::2"}).has_value());
  CHECK_FALSE(parse_more({"--way-back-file", "/nonexistent/ways"}).has_value());
  const auto mirrored = [](const char* way) {
    return parse({"--port", "mirror-subscriber=xdp:a", "--way-back", way}).has_value();
  };
  CHECK(mirrored("erspan,from=10.0.0.1,to=10.0.0.2"));
  CHECK(mirrored("mpls"));
  CHECK(mirrored("gtp,from=10.0.0.1,to=10.0.0.2"));
  CHECK_FALSE(mirrored("mpls,in=1,out=2"));
  CHECK_FALSE(mirrored("vlan,in=1"));
}

TEST_CASE("options: a bad value is refused with code 2") {
  const std::vector<std::vector<const char*>> cases = {{"--mode", "block"},
                                                       {"--dns", "servfail"},
                                                       {"--dns", "sinkhole"},
                                                       {"--sinkhole", "one"},
                                                       {"--dns-ttl", "61"},
                                                       {"--tls", "rst"},
                                                       {"--row", "too-deep"},
                                                       {"--row", "too-deep=open"},
                                                       {"--row", "nonsense=drop"},
                                                       {"--row", "tombstone=forward"},
                                                       {"--credit", "much"},
                                                       {"--credit", "1:"},
                                                       {"--subscribers", "10.0.0/8"},
                                                       {"--subscribers", "10.0.0.0/33"},
                                                       {"--subscribers", "::/129"},
                                                       {"--workers", "0"},
                                                       {"--workers", "65"},
                                                       {"--lcores", "0,1"},
                                                       {"--image", "/x.img"},
                                                       {"--image-key", "/x.pub"},
                                                       {"--group", "sluice"},
                                                       {"--unknown"},
                                                       {"stray"}};
  for (const auto& words : cases) {
    INFO(words.front() << ' ' << (words.size() > 1 ? words[1] : ""));
    const auto options = parse_more(words);
    REQUIRE_FALSE(options.has_value());
    CHECK(options.error().exit_code == 2);
  }
}
