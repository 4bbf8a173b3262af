// sluice-wire: puts the steer program in front of xdp: ports, before the data plane starts, and takes it off again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string_view>

#include "bpf/wire/wire.h"
#include "rules/text/json_writer.h"

namespace {

using namespace sluice;

enum Exit { kFine = 0, kFailed = 1, kUsage = 2 };

int finish(const Result<void, WireError>& done) {
  if (done) return kFine;
  fmt::print(stderr, "sluice-wire: {}\n", done.error().text);
  return kFailed;
}

std::optional<std::vector<WirePair>> read_pairs(const std::vector<std::string>& texts,
                                                const std::vector<std::string>& mirrors) {
  std::vector<WirePair> pairs;
  pairs.reserve(mirrors.size() + texts.size());
  for (const std::string& mirror : mirrors) pairs.push_back({mirror, ""});
  for (const std::string& text : texts) {
    const auto colon = text.find(':');
    WirePair pair{text.substr(0, colon), colon == std::string::npos ? "" : text.substr(colon + 1)};
    if (pair.first.empty() || pair.second.empty() || pair.first == pair.second) return std::nullopt;
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

std::string_view fallback_name(const InterfaceStatus& s) {
  return s.config.fallback == SLUICE_FALLBACK_DROP ? "drop" : "forward";
}

void print_text(const InterfaceStatus& s) {
  fmt::print("{}: ", s.name);
  if (s.attached) fmt::print("program {} on ifindex {}", s.program_id, s.ifindex);
  if (!s.attached) fmt::print("not attached (the interface is gone, or only root may know)");
  fmt::print(", peer ifindex {}, bypass {}, fallback {}, heartbeats at most {} ms old\n", s.peer_ifindex,
             s.config.bypass != 0 ? "ON" : "off", fallback_name(s), s.config.heartbeat_max_age_ns / 1'000'000);
  for (const QueueStatus& q : s.queues) fmt::print("  queue {}: polled {} us ago\n", q.queue, q.age_ns / 1000);
  for (std::size_t i = 0; i < s.counters.size(); ++i) {
    fmt::print("  {:<10} {:>14} packets {:>16} bytes\n", counter_name(static_cast<sluice_wire_counter>(i)),
               s.counters[i].pkts, s.counters[i].bytes);
  }
}

void write_json(JsonWriter& json, const InterfaceStatus& s) {
  json.begin_object().member("name", s.name).member("attached", s.attached).member("ifindex", s.ifindex);
  json.member("peer_ifindex", s.peer_ifindex).member("program", s.program_id);
  json.member("bypass", s.config.bypass != 0).member("fallback", fallback_name(s));
  json.member("max_age_ms", s.config.heartbeat_max_age_ns / 1'000'000).key("queues").begin_array();
  for (const QueueStatus& q : s.queues) {
    json.begin_object().member("queue", q.queue).member("age_us", q.age_ns / 1000).end_object();
  }
  json.end_array().key("counters").begin_object();
  for (std::size_t i = 0; i < s.counters.size(); ++i) {
    json.key(counter_name(static_cast<sluice_wire_counter>(i))).begin_object();
    json.member("packets", s.counters[i].pkts).member("bytes", s.counters[i].bytes).end_object();
  }
  json.end_object().end_object();
}

void print_json(const std::vector<InterfaceStatus>& all) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("interfaces").begin_array();
  for (const InterfaceStatus& s : all) write_json(json, s);
  json.end_array().end_object();
  fmt::print("{}\n", text);
}

int run_status(const Pins& pins, bool json) {
  const auto all = status(pins);
  if (!all) {
    fmt::print(stderr, "sluice-wire: {}\n", all.error().text);
    return kFailed;
  }
  if (json) {
    print_json(*all);
    return kFine;
  }
  if (all->empty()) fmt::print("nothing is attached\n");
  for (const InterfaceStatus& s : *all) print_text(s);
  return kFine;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Attaches Sluice's steer program to network interfaces, upgrades it in place, takes it off.",
               "sluice-wire"};
  app.require_subcommand(1);
  std::string dir = "/run/sluice/bpf";
  std::vector<std::string> pair_texts, mirrors;
  std::vector<std::string> interfaces;
  AttachOptions options;
  bool json = false;
  std::string on_off;
  gid_t group = 0;
  const auto with_dir = [&dir](CLI::App* command) {
    command->add_option("--dir", dir, "bpffs that holds the pins (mounted if needed)")->capture_default_str();
    return command;
  };

  auto* attach_command = with_dir(app.add_subcommand("attach", "attach, or replace in place"));
  attach_command->add_option("--pair", pair_texts, "the two ports of an inline pair, IF1:IF2");
  attach_command->add_option("--mirror", mirrors, "a mirror port: copies that no worker takes are dropped");
  attach_command->add_option("--max-age-ms", options.max_age_ms, "a worker that polled longer ago counts as dead")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  std::string fallback = "forward";
  std::string mode = "native";
  attach_command->add_option("--fallback", fallback, "what happens to packets that no live worker takes")
      ->check(CLI::IsMember({"forward", "drop"}))
      ->capture_default_str();
  attach_command->add_option("--mode", mode, "of XDP")
      ->check(CLI::IsMember({"native", "generic"}))
      ->capture_default_str();
  auto* group_option =
      attach_command->add_option("--group", group, "numeric group of the pins: may flip the bypass switch");

  auto* detach_command = with_dir(app.add_subcommand("detach", "take the programs off and remove the pins"));
  detach_command->add_option("interfaces", interfaces, "default: all");

  auto* status_command = with_dir(app.add_subcommand("status", "what is attached, switches and totals"));
  status_command->add_flag("--json", json, "one JSON object");

  auto* bypass_command = with_dir(app.add_subcommand("bypass", "on: everything passes in the kernel, uninspected"));
  bypass_command->add_option("switch", on_off, "on or off")->required()->check(CLI::IsMember({"on", "off"}));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 misses the subcommand before it minds the word in its place.
    if (const auto stray = app.remaining(); error.get_exit_code() != 0 && !stray.empty()) {
      fmt::print(stderr, "sluice-wire: {}: no such command or option\n", stray.front());
      return kUsage;
    }
    return app.exit(error) == 0 ? kFine : kUsage;
  }

  const Pins pins(dir);
  if (*attach_command) {
    const auto pairs = read_pairs(pair_texts, mirrors);
    if (!pairs || pairs->empty()) {
      fmt::print(stderr, "sluice-wire: want --pair IF1:IF2, two different interfaces, or --mirror IF\n");
      return kUsage;
    }
    if (*group_option) options.group = group;
    options.fallback = fallback == "drop" ? SLUICE_FALLBACK_DROP : SLUICE_FALLBACK_FORWARD;
    options.mode = mode == "generic" ? XdpMode::Generic : XdpMode::Native;
    return finish(attach(pins, *pairs, options));
  }
  if (*detach_command) return finish(detach(pins, interfaces));
  if (*bypass_command) return finish(set_bypass(pins, on_off == "on"));
  return run_status(pins, json);
}
