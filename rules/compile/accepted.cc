#include "rules/compile/accepted.h"

#include <sodium.h>
#include <unistd.h>

#include <tuple>

#include "rules/compile/durable_file.h"
#include "rules/sign/bundle_file.h"
#include "rules/sign/digest.h"
#include "rules/text/json_fields.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

constexpr std::string_view kSchema = "sluice/accepted/1";
constexpr std::size_t kMaxBytes = 1 << 20;

bool read_sha256(std::string_view hex, Sha256& out) {
  std::size_t bytes = 0;
  return hex.size() == 2 * out.size() &&
         sodium_hex2bin(out.data(), out.size(), hex.data(), hex.size(), nullptr, &bytes, nullptr) == 0 &&
         bytes == out.size();
}

void read_feed(JsonDocument& json, JsonDocument::Value& value, std::map<std::string, AcceptedBundle>& out) {
  const char* const at = JsonDocument::place(value);
  std::string feed, sha256;
  AcceptedBundle bundle;
  json.read_object(value, [&](std::string_view key, JsonDocument::Value& field) {
    if (key == "feed") {
      json.read_string(field, feed);
    } else if (key == "epoch") {
      json.read_u64(field, bundle.epoch);
    } else if (key == "seq") {
      json.read_u64(field, bundle.seq);
    } else if (key == "root") {
      json.read_u64(field, bundle.root);
    } else if (key == "sha256") {
      json.read_string(field, sha256);
    } else {
      return false;
    }
    return true;
  });
  if (!json.ok()) return;
  if (feed.empty() || !read_sha256(sha256, bundle.sha256) || !out.try_emplace(feed, bundle).second) {
    json.fail_at(at, "not an accepted bundle, or its feed stands twice");
  }
}

}  // namespace

Succession compare(const AcceptedBundle& offered, const AcceptedBundle& newest) noexcept {
  const auto number = [](const AcceptedBundle& bundle) { return std::tuple(bundle.epoch, bundle.seq); };
  if (number(offered) > number(newest)) return Succession::Newer;
  if (number(offered) < number(newest)) return Succession::Older;
  return offered.sha256 == newest.sha256 ? Succession::Same : Succession::Equivocation;
}

Result<AcceptedBundles, std::string> AcceptedBundles::load(const std::string& state_folder) {
  AcceptedBundles out;
  out.path_ = state_folder + "/accepted.json";
  if (::access(out.path_.c_str(), F_OK) != 0 && errno == ENOENT) return out;
  const auto text = read_small_file(out.path_, kMaxBytes);
  if (!text) return std::unexpected(text.error().detail);
  JsonDocument json;
  std::string schema;
  json.read(*text, 1, [&](std::string_view key, JsonDocument::Value& value) {
    if (key == "schema") {
      json.read_string(value, schema);
    } else if (key == "feeds") {
      json.read_array(value, [&](JsonDocument::Value& item) { read_feed(json, item, out.feeds_); });
    } else {
      return false;
    }
    return true;
  });
  if (!json.ok()) return std::unexpected(to_string(json.error(), out.path_));
  if (schema != kSchema) return std::unexpected(out.path_ + ": not of schema " + std::string(kSchema));
  return out;
}

const AcceptedBundle* AcceptedBundles::find(const std::string& feed) const {
  const auto at = feeds_.find(feed);
  return at == feeds_.end() ? nullptr : &at->second;
}

Result<void, std::string> AcceptedBundles::save() const {
  std::string text;
  JsonWriter json(text);
  json.begin_object().member("schema", kSchema).key("feeds").begin_array();
  for (const auto& [feed, bundle] : feeds_) {
    json.begin_object().member("feed", feed).member("epoch", bundle.epoch).member("seq", bundle.seq);
    json.member("sha256", to_hex(bundle.sha256)).member("root", bundle.root).end_object();
  }
  json.end_array().end_object();
  text += '\n';
  auto file = DurableFile::write(path_, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, 0600);
  if (!file) return std::unexpected(file.error());
  if (auto error = file->publish()) return std::unexpected(std::move(*error));
  return {};
}

}  // namespace sluice
