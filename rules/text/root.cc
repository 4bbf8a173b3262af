#include "rules/text/root.h"

#include <algorithm>
#include <set>

#include "rules/model/order_check.h"
#include "rules/text/json_fields.h"
#include "rules/text/json_writer.h"
#include "rules/text/order_json.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

using Value = JsonDocument::Value;

constexpr std::size_t kMaxKeys = 256;

class RootReader {
 public:
  explicit RootReader(JsonDocument& json) : json_(json) {}

  bool field(std::string_view key, Value& value) {
    const char* at = JsonDocument::place(value);
    given_.insert(std::string(key));
    if (key == "schema") {
      std::string schema;
      json_.read_string(value, schema);
      if (schema != "sluice/root/1") json_.fail_at(at, "schema must be \"sluice/root/1\"");
    } else if (key == "feed") {
      json_.read_string(value, root.feed);
      if (!is_feed_name(root.feed)) json_.fail_at(at, "not a feed name");
    } else if (key == "version") {
      json_.read_u64(value, root.version);
      if (root.version == 0) json_.fail_at(at, "versions begin at 1");
    } else if (key == "epoch") {
      json_.read_u64(value, root.epoch);
      if (root.epoch == 0) json_.fail_at(at, "epochs begin at 1");
    } else if (key == "expires") {
      read_time(json_, value, root.expires);
    } else if (key == "keys") {
      json_.read_array(value, [&](Value& item) { read_key(item); });
    } else if (key == "thresholds") {
      thresholds_at_ = at;
      json_.read_object(value, [&](std::string_view party, Value& k) { return read_threshold(party, k); });
    } else {
      return false;
    }
    return true;
  }

  void check() {
    for (const char* field : {"schema", "feed", "version", "epoch", "expires", "keys", "thresholds"}) {
      if (!given_.contains(field)) json_.fail_at_start("missing field \"" + std::string(field) + "\"");
    }
    if (!json_.ok()) return;
    for (const auto& [party, k] : root.thresholds) {
      const auto held = std::ranges::count(root.keys, party, &RootKey::party);
      if (k > static_cast<std::uint64_t>(held)) {
        json_.fail_at(thresholds_at_, std::string(to_string(party)) + ": fewer keys than the threshold");
      }
    }
    if (!root.thresholds.contains(Party::Independent))
      json_.fail_at(thresholds_at_, "no threshold for \"independent\"");
    if (root.thresholds.size() < 2) json_.fail_at(thresholds_at_, "two parties must sign");
  }

  Root root;

 private:
  void read_key(Value& item) {
    const char* at = JsonDocument::place(item);
    RootKey key;
    std::string party, minisign;
    json_.read_object(item, [&](std::string_view name, Value& value) {
      if (name == "party") return json_.read_string(value, party), true;
      if (name == "name") return json_.read_string(value, key.name), true;
      if (name == "minisign") return json_.read_string(value, minisign), true;
      return false;
    });
    const auto who = party_from(party);
    const auto public_key = minisign_public_key(minisign);
    if (!who) return json_.fail_at(at, "party must be \"requester\", \"independent\" or \"operator\"");
    if (key.name.empty()) return json_.fail_at(at, "a key needs a name");
    if (!public_key) return json_.fail_at(at, "minisign must be line 2 of a minisign public key file");
    for (const RootKey& other : root.keys) {
      if (other.key.number == public_key->number || other.key.key == public_key->key) {
        return json_.fail_at(at, "a key stands twice");
      }
    }
    if (root.keys.size() == kMaxKeys) return json_.fail_at(at, "too many keys");
    key.party = *who;
    key.key = *public_key;
    root.keys.push_back(std::move(key));
  }

  bool read_threshold(std::string_view name, Value& value) {
    const auto party = party_from(name);
    if (!party) return false;
    const char* at = JsonDocument::place(value);
    std::uint64_t k = 0;
    json_.read_u64(value, k);
    if (k == 0 || k > kMaxKeys) json_.fail_at(at, "a threshold is at least 1 and at most the number of keys");
    root.thresholds[*party] = static_cast<unsigned>(k);
    return true;
  }

  JsonDocument& json_;
  std::set<std::string> given_;
  const char* thresholds_at_ = nullptr;
};

}  // namespace

Result<Root, TextError> read_root(std::string_view text) {
  if (text.size() > kMaxRootBytes) return std::unexpected(TextError{0, 0, {}, "over 256 KiB"});
  JsonDocument json;
  RootReader reader(json);
  json.read(text, 1, [&](std::string_view key, Value& value) { return reader.field(key, value); });
  reader.check();
  if (!json.ok()) return std::unexpected(json.error());
  return std::move(reader.root);
}

std::string write_root(const Root& root) {
  std::string out = "{\n";
  const auto line = [&](std::string_view name, auto&& write, std::string_view end) {
    out += "  ";
    JsonWriter(out).value(name);
    out += ": ";
    JsonWriter json(out);
    write(json);
    out += end;
  };
  line("schema", [](JsonWriter& json) { json.value("sluice/root/1"); }, ",\n");
  line("feed", [&](JsonWriter& json) { json.value(root.feed); }, ",\n");
  line("version", [&](JsonWriter& json) { json.value(root.version); }, ",\n");
  line("epoch", [&](JsonWriter& json) { json.value(root.epoch); }, ",\n");
  line("expires", [&](JsonWriter& json) { json.value(format_rfc3339(root.expires)); }, ",\n");
  out += "  \"keys\": [";
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    const RootKey& key = root.keys[i];
    out += i == 0 ? "\n    " : ",\n    ";
    JsonWriter(out)
        .begin_object()
        .member("party", to_string(key.party))
        .member("name", key.name)
        .member("minisign", to_base64(key.key))
        .end_object();
  }
  out += "\n  ],\n";
  line(
      "thresholds",
      [&](JsonWriter& json) {
        json.begin_object();
        for (const auto& [party, k] : root.thresholds) json.member(to_string(party), k);
        json.end_object();
      },
      "\n");
  return out + "}\n";
}

}  // namespace sluice
