#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/guard_config.h"
#include "rules/text/log_config.h"
#include "rules/text/text_error.h"

namespace sluice {

/// How the bundles of a feed come into force (feed.md 3, G9).
enum class ApplyPolicy : std::uint8_t {
  Direct,  ///< at once; health is watched
  Staged,  ///< what is new is in shadow for soak_s, then enforced by itself if the data plane is well
  Manual,  ///< what is new is in shadow until an operator says so
};
[[nodiscard]] std::string_view to_string(ApplyPolicy policy) noexcept;

/// What is no longer healthy after a change. Percent points of names read and of packets received.
struct HealthBounds {
  unsigned blocked_percent = 20;  ///< by which the share of blocked names, or of those in shadow, may rise
  unsigned dropped_percent = 20;  ///< by which the share of dropped packets may rise
  unsigned stalled_ms = 2000;     ///< for which a worker may stand still
};

struct ApplyConfig {
  ApplyPolicy policy = ApplyPolicy::Direct;
  UnixSeconds soak_s = 600;   ///< Staged: in shadow
  UnixSeconds watch_s = 600;  ///< enforced, and undone if health is bad
  HealthBounds health;
};

struct FeedConfig {
  std::string feed;
  std::string root;  ///< path of its root.json
  FeedPolicy policy;
  ApplyConfig apply{};
};

/// sluice.yaml (docs/interfaces.md). What the file leaves out keeps the value given here. Paths are absolute.
struct Config {
  std::vector<FeedConfig> feeds;  ///< at least one; names are distinct
  std::string state = "/var/lib/sluice";
  std::string run = "/run/sluice";
  std::string image_key = "/etc/sluice/image.pub";
  bool match_with_hyperscan = false;  ///< match.engine: hyperscan
  std::string compile_socket = "/run/sluice/compile.sock";
  std::string compile_key = "/var/lib/sluice-compile/image.key";
  std::string compile_state = "/var/lib/sluice-compile";
  bool dataplane_enabled = true;
  std::string telemetry = "/run/sluice/dpdk/sluice/dpdk_telemetry.v2";
  std::string counters = "/run/sluice/counters";
  std::string wire = "/run/sluice/bpf";
  BundleLimits limits;
  GuardConfig guards;
  std::string api_socket = "/run/sluice/sluiced.sock";
  std::vector<std::uint32_t> admin_uids{0};
  LogConfig log;

  /// nullptr where no such feed is configured.
  [[nodiscard]] const FeedConfig* find(std::string_view feed) const noexcept;
  [[nodiscard]] std::string log_key() const { return log.key.empty() ? state + "/log.key" : log.key; }
  [[nodiscard]] std::string log_folder() const { return log.folder.empty() ? state + "/log" : log.folder; }
};

/// Text of sluice.yaml → Config, or every error with its place. Unknown fields and duplicate keys are errors.
[[nodiscard]] Result<Config, std::vector<TextError>> read_config(std::string_view text);

}  // namespace sluice
