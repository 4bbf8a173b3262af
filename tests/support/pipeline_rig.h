#pragma once

#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

#include "dataplane/filter/pipeline.h"
#include "rules/image/build.h"
#include "tests/support/feeds.h"
#include "tests/support/made_packets.h"

namespace sluice::test {

/// A pipeline with all it needs: rules, policy, counters and a clock that stands still until it is moved.
struct PipelineRig {
  static Policy enforcing() {
    Policy policy;
    policy.mode = Mode::Enforce;
    Prefix v4{.bits = 8};
    v4.address[0] = 10;
    Prefix v6{.bits = 32, .ipv6 = true};
    v6.address = {0x20, 1, 0xd, 0xb8};
    policy.subscribers = {v4, v6};
    return policy;
  }
  /// bad.example and below, by A-100 of an external feed; own.example by O-200 of the operator's; more.example by
  ///
  static std::vector<Feed> example_feeds() {
    OrderWithTargets one = block("A-100", {subtree("bad.example")});
    one.order.authority = "Authority";
    one.order.law = "Law";
    one.order.reason["en"] = "Because";
    one.order.appeal_url = "https://appeals.example/";
    return {feed("authority/list", {.priority = 9, .external = true}, {one, block("A-101", {exact("more.example")})}),
            feed("operator/list", {.priority = 1, .external = false}, {block("O-200", {exact("own.example")})})};
  }
  static PipelineLimits small_limits() {
    return {.blocked_flows = 64,
            .young_flows = 256,
            .half_flows = 16,
            .half_bytes_per_flow = 16 << 10,
            .half_bytes_total = 1 << 18,
            .credit_prefixes = 64,
            .quic_connections = 64,
            .quic_half_read = 4,
            .fragment_datagrams = 8};
  }

  explicit PipelineRig(Policy p = enforcing(), const std::vector<Feed>& feeds = example_feeds(),
                       PipelineLimits limits = small_limits())
      : policy(std::move(p)), counters(std::make_unique<WorkerCounters>()) {
    const KeyPair keys = key_pair();
    auto image = build_image(feeds, {}, keys.secret);
    if (!image) std::abort();
    auto opened = RuleSet::open(*image, keys.open, 1);
    if (!opened) std::abort();
    rules = std::move(*opened);
    slots.resize(rules->orders().size());
    std::iota(slots.begin(), slots.end(), 1U);
    pipeline = std::make_unique<Pipeline>(policy, limits, 42, *counters, 0);
  }

  void run(const std::vector<Buffer>& burst, Side from = Side::Subscriber) {
    std::vector<Frame> frames;
    for (const Buffer& b : burst) frames.push_back({b.data(), static_cast<std::uint32_t>(b.size()), from});
    pipeline->run(frames, {rules.get(), slots}, now);
  }
  Verdict one(const Buffer& frame, Side from = Side::Subscriber) {
    run({frame}, from);
    return pipeline->verdicts()[0];
  }
  [[nodiscard]] std::size_t order(std::string_view id) const {
    for (std::size_t i = 0; i < rules->orders().size(); ++i) {
      if (rules->orders()[i].id == id) return i;
    }
    return kNoOrder;
  }
  [[nodiscard]] const OrderHits& hits(std::string_view id) const { return counters->orders[slots[order(id)]]; }
  [[nodiscard]] std::uint64_t cause(Cause c) const { return counters->causes[static_cast<std::size_t>(c)]; }
  [[nodiscard]] std::uint64_t names(Method m) const { return counters->names[static_cast<std::size_t>(m)]; }
  void wait_s(std::uint64_t seconds) {
    now.mono_ns += seconds * 1'000'000'000;
    now.wall_s += static_cast<UnixSeconds>(seconds);
  }

  Policy policy;
  std::unique_ptr<WorkerCounters> counters;
  std::unique_ptr<RuleSet> rules;
  std::vector<std::uint32_t> slots;
  std::unique_ptr<Pipeline> pipeline;
  Now now{.mono_ns = 5'000'000'000, .wall_s = 500};
};

}  // namespace sluice::test
