#include "rules/text/config.h"

#include <algorithm>
#include <limits>

#include "rules/model/name.h"
#include "rules/model/order_check.h"
#include "rules/text/yaml_fields.h"
#include "rules/tlog/note.h"

namespace sluice {
namespace {

constexpr std::uint64_t kMostSeconds = 30 * 86400;  ///< no bundle is valid for longer

class ConfigReader {
 public:
  explicit ConfigReader(std::vector<TextError>& errors) : yaml_(errors) {}

  void read(const YamlNode& root) {
    yaml_.map(root, [&](std::string_view key, const YamlNode& value) { return field(key, value); });
    if (root.find("schema") == nullptr) yaml_.fail(root, "missing field \"schema\"");
    if (root.find("feeds") == nullptr) yaml_.fail(root, "missing field \"feeds\"");
  }

  Config config;

 private:
  struct PathSlot {
    std::string_view key;
    std::string* to;
  };

  bool field(std::string_view key, const YamlNode& value) {
    if (key == "schema") return schema(value);
    if (key == "feeds") return feeds(value);
    if (key == "state") return path(value, config.state);
    if (key == "run") return path(value, config.run);
    if (key == "image_key") return path(value, config.image_key);
    if (key == "match") return match(value);
    if (key == "compile") {
      return paths(
          value, {{"socket", &config.compile_socket}, {"key", &config.compile_key}, {"state", &config.compile_state}});
    }
    if (key == "dataplane") return dataplane(value);
    if (key == "limits") return limits(value);
    if (key == "guards") return guards(value);
    if (key == "api") return api(value);
    if (key == "log") return log(value);
    return false;
  }

  bool schema(const YamlNode& value) {
    if (value.text != "sluice/config/1") yaml_.fail(value, "schema must be sluice/config/1");
    return true;
  }

  bool path(const YamlNode& value, std::string& out) {
    std::string text;
    if (!yaml_.text(value, text)) return true;
    if (text.front() != '/') {
      yaml_.fail(value, "expected an absolute path");
    } else {
      out = std::move(text);
    }
    return true;
  }

  bool paths(const YamlNode& node, std::initializer_list<PathSlot> slots) {
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      const auto slot = std::ranges::find(slots, key, &PathSlot::key);
      return slot != slots.end() && path(value, *slot->to);
    });
    return true;
  }

  bool feeds(const YamlNode& node) {
    yaml_.sequence(node, [&](const YamlNode& item) { feed(item); });
    if (node.kind == YamlNode::Kind::Sequence && node.items.empty()) yaml_.fail(node, "at least one feed");
    return true;
  }

  void feed(const YamlNode& node) {
    FeedConfig feed;
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key == "feed") return feed_name(value, feed.feed);
      if (key == "root") return path(value, feed.root);
      if (key == "priority") return yaml_.number(value, feed.policy.priority, 255), true;
      if (key == "external") return yaml_.boolean(value, feed.policy.external), true;
      if (key == "apply") return apply_policy(value, feed.apply.policy);
      if (key == "soak_s") return yaml_.number(value, feed.apply.soak_s, kMostSeconds), true;
      if (key == "watch_s") return yaml_.number(value, feed.apply.watch_s, kMostSeconds), true;
      if (key == "health") return health(value, feed.apply.health);
      return false;
    });
    if (node.kind != YamlNode::Kind::Map) return;
    for (const char* key : {"feed", "root"}) {
      if (node.find(key) == nullptr) yaml_.fail(node, "missing field \"" + std::string(key) + "\"");
    }
    if (config.find(feed.feed) != nullptr) yaml_.fail(node, "feed " + feed.feed + " stands twice");
    config.feeds.push_back(std::move(feed));
  }

  bool apply_policy(const YamlNode& value, ApplyPolicy& out) {
    for (const ApplyPolicy policy : {ApplyPolicy::Direct, ApplyPolicy::Staged, ApplyPolicy::Manual}) {
      if (to_string(policy) == value.text) return out = policy, true;
    }
    yaml_.fail(value, "apply must be direct, staged or manual");
    return true;
  }

  bool health(const YamlNode& node, HealthBounds& out) {
    constexpr std::uint64_t kAll = 100, kMostStalled = 60'000;
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key == "blocked_percent") return yaml_.number(value, out.blocked_percent, kAll), true;
      if (key == "dropped_percent") return yaml_.number(value, out.dropped_percent, kAll), true;
      if (key == "stalled_ms") return yaml_.number(value, out.stalled_ms, kMostStalled), true;
      return false;
    });
    return true;
  }

  bool feed_name(const YamlNode& value, std::string& out) {
    if (yaml_.text(value, out) && !is_feed_name(out)) yaml_.fail(value, "not a feed name");
    return true;
  }

  bool match(const YamlNode& node) {
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key != "engine") return false;
      if (value.text != "table" && value.text != "hyperscan") yaml_.fail(value, "engine must be table or hyperscan");
      config.match_with_hyperscan = value.text == "hyperscan";
      return true;
    });
    return true;
  }

  bool dataplane(const YamlNode& node) {
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key == "enabled") return yaml_.boolean(value, config.dataplane_enabled), true;
      if (key == "telemetry") return path(value, config.telemetry);
      if (key == "counters") return path(value, config.counters);
      if (key == "wire") return path(value, config.wire);
      return false;
    });
    return true;
  }

  bool limits(const YamlNode& node) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key == "bundle_bytes") return yaml_.number(value, config.limits.bytes, kMost), true;
      if (key == "orders") return yaml_.number(value, config.limits.orders, kMost), true;
      if (key == "targets") return yaml_.number(value, config.limits.targets, kMost), true;
      return false;
    });
    return true;
  }

  bool guards(const YamlNode& node) {
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key == "protected") return path_list(value, config.guards.protected_files);
      if (key == "popular") return path_list(value, config.guards.popular_files);
      if (key == "platforms") return path_list(value, config.guards.platform_files);
      if (key == "appeal") return hosts(value, config.guards.appeal_hosts);
      return false;
    });
    return true;
  }

  bool path_list(const YamlNode& node, std::vector<std::string>& out) {
    yaml_.sequence(node, [&](const YamlNode& item) { path(item, out.emplace_back()); });
    return true;
  }

  bool hosts(const YamlNode& node, std::vector<std::string>& out) {
    yaml_.sequence(node, [&](const YamlNode& item) {
      const auto name = canonical_name(item.text);
      if (!name.has_value()) return yaml_.fail(item, "expected the name of a host");
      out.push_back(name->text());
    });
    return true;
  }

  bool api(const YamlNode& node) {
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key == "socket") return path(value, config.api_socket);
      if (key != "admin_uids") return false;
      config.admin_uids.clear();
      yaml_.sequence(value, [&](const YamlNode& item) {
        yaml_.number(item, config.admin_uids.emplace_back(), std::numeric_limits<std::uint32_t>::max());
      });
      return true;
    });
    return true;
  }

  bool log(const YamlNode& node) {
    LogConfig& to = config.log;
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key == "origin") return log_origin(value, to.origin);
      if (key == "key") return path(value, to.key);
      if (key == "folder") return path(value, to.folder);
      if (key == "listen") return yaml_.text(value, to.listen), true;
      if (key == "tls") return paths(value, {{"certificate", &to.tls_certificate}, {"key", &to.tls_key}});
      return false;
    });
    if (to.tls_certificate.empty() != to.tls_key.empty()) yaml_.fail(node, "tls needs both certificate and key");
    return true;
  }

  bool log_origin(const YamlNode& value, std::string& out) {
    if (yaml_.text(value, out) && !is_note_name(out)) yaml_.fail(value, "not a name that a log can have");
    return true;
  }

  YamlFields yaml_;
};

}  // namespace

std::string_view to_string(ApplyPolicy policy) noexcept {
  switch (policy) {
    case ApplyPolicy::Direct: return "direct";
    case ApplyPolicy::Staged: return "staged";
    case ApplyPolicy::Manual: return "manual";
  }
  return "";
}

const FeedConfig* Config::find(std::string_view feed) const noexcept {
  const auto found = std::ranges::find(feeds, feed, &FeedConfig::feed);
  return found == feeds.end() ? nullptr : &*found;
}

Result<Config, std::vector<TextError>> read_config(std::string_view text) {
  std::vector<TextError> errors;
  const YamlNode root = read_yaml(text, errors);
  if (!errors.empty()) return std::unexpected(std::move(errors));
  ConfigReader reader(errors);
  reader.read(root);
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return std::move(reader.config);
}

}  // namespace sluice
