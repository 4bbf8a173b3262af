#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/guard_config.h"
#include "rules/text/text_error.h"

namespace sluice {

struct FeedConfig {
  std::string feed;
  std::string root;  ///< path of its root.json
  FeedPolicy policy;
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

  /// nullptr where no such feed is configured.
  [[nodiscard]] const FeedConfig* find(std::string_view feed) const noexcept;
};

/// Text of sluice.yaml → Config, or every error with its place. Unknown fields and duplicate keys are errors.
[[nodiscard]] Result<Config, std::vector<TextError>> read_config(std::string_view text);

}  // namespace sluice
