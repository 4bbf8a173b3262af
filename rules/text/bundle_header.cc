#include <algorithm>
#include <set>

#include "rules/model/order_check.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/json_writer.h"
#include "rules/text/order_json.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

using Value = JsonDocument::Value;

class HeaderReader {
 public:
  HeaderReader(JsonDocument& json, BundleHeader& out) : json_(json), header_(out.snapshot), out_(out) {}

  bool field(std::string_view key, Value& value) {
    const char* at = JsonDocument::place(value);
    given_.insert(std::string(key));
    if (key == "schema") return word(value, "sluice/bundle/1", "schema must be \"sluice/bundle/1\""), true;
    if (key == "kind") return json_.read_string(value, kind_), true;
    if (key == "issued") return read_time(json_, value, header_.issued), true;
    if (key == "expires") return read_time(json_, value, header_.expires), true;
    if (key == "epoch") return json_.read_u64(value, header_.epoch), true;
    if (key == "seq") return json_.read_u64(value, header_.seq), true;
    if (key == "root") return json_.read_u64(value, header_.root), true;
    if (key == "orders") return json_.read_u64(value, header_.orders), true;
    if (key == "targets") return json_.read_u64(value, header_.targets), true;
    if (key == "base") return json_.read_u64(value, base_.seq), true;
    if (key == "result_sha256") {
      json_.read_string(value, base_.result_sha256);
      if (!is_sha256_hex(base_.result_sha256)) json_.fail_at(at, "must be 64 lower-case hex digits");
      return true;
    }
    if (key == "feed") {
      json_.read_string(value, header_.feed);
      if (!is_feed_name(header_.feed)) json_.fail_at(at, "not a feed name");
      return true;
    }
    if (key == "prev_sha256") {
      json_.read_string(value, header_.prev_sha256);
      if (!header_.prev_sha256.empty() && !is_sha256_hex(header_.prev_sha256)) {
        json_.fail_at(at, "must be 64 lower-case hex digits, or empty on the first");
      }
      return true;
    }
    if (key == "churn") return churn(value), true;
    return false;
  }

  void check() {
    for (const char* field :
         {"schema", "feed", "kind", "epoch", "seq", "issued", "expires", "prev_sha256", "root", "orders", "targets"}) {
      if (!given_.contains(field)) json_.fail_at_start("missing field \"" + std::string(field) + "\"");
    }
    if (header_.expires <= header_.issued) json_.fail_at_start("expires is not after issued");
    if (header_.expires - header_.issued > kMaxBundleSeconds) {
      json_.fail_at_start("more than 30 days from issued to expires");
    }
    if (kind_ == "delta") return check_delta();
    if (kind_ != "snapshot") json_.fail_at_start("kind must be \"snapshot\" or \"delta\"");
    for (const char* field : {"base", "result_sha256"}) {
      if (given_.contains(field)) json_.fail_at_start("\"" + std::string(field) + "\" belongs to a delta");
    }
  }

 private:
  void check_delta() {
    for (const char* field : {"base", "result_sha256"}) {
      if (!given_.contains(field)) json_.fail_at_start("missing field \"" + std::string(field) + "\"");
    }
    if (header_.prev_sha256.empty()) json_.fail_at_start("a delta names the snapshot before it in prev_sha256");
    if (base_.seq >= header_.seq) json_.fail_at_start("base is not smaller than seq");
    out_.delta = base_;
  }

  void churn(Value& value) {
    const char* at = JsonDocument::place(value);
    json_.read_object(value, [&](std::string_view key, Value& inner) {
      return key == "why" && (json_.read_string(inner, header_.churn_why), true);
    });
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    const std::string& why = header_.churn_why;
    if (why.empty() || why.size() > kMaxTextBytes || std::ranges::any_of(why, control)) {
      json_.fail_at(at, "churn says why, in a line of at most 1024 bytes");
    }
  }

  void word(Value& value, std::string_view want, std::string what) {
    const char* at = JsonDocument::place(value);
    std::string text;
    json_.read_string(value, text);
    if (text != want) json_.fail_at(at, std::move(what));
  }

  JsonDocument& json_;
  SnapshotHeader& header_;
  BundleHeader& out_;
  DeltaBase base_;
  std::string kind_;
  std::set<std::string> given_;
};

}  // namespace

void read_header_line(JsonDocument& json, std::string_view line, BundleHeader& header) {
  HeaderReader reader(json, header);
  json.read(line, 1, [&](std::string_view key, Value& value) { return reader.field(key, value); });
  reader.check();
}

Result<BundleHeader, BundleError> read_bundle_header(std::string_view text) {
  const std::size_t newline = text.find('\n');
  if (newline == std::string_view::npos || newline > kMaxBundleLineBytes) {
    return std::unexpected(BundleError{BundleErrorKind::Malformed, {1, 1, {}, "no first line"}});
  }
  JsonDocument json;
  BundleHeader header;
  read_header_line(json, text.substr(0, newline), header);
  if (!json.ok()) return std::unexpected(BundleError{BundleErrorKind::Malformed, json.error()});
  return header;
}

Result<SnapshotHeader, BundleError> read_snapshot_header(std::string_view text) {
  auto read = read_bundle_header(text);
  if (!read.has_value()) return std::unexpected(read.error());
  if (!read->delta) return std::move(read->snapshot);
  return std::unexpected(BundleError{BundleErrorKind::Malformed, {1, 1, {}, "a delta, not a snapshot"}});
}

void append_header_line(std::string& out, const BundleHeader& bundle) {
  const SnapshotHeader& header = bundle.snapshot;
  JsonWriter json(out);
  json.begin_object().member("schema", "sluice/bundle/1").member("feed", header.feed);
  json.member("kind", bundle.delta ? "delta" : "snapshot");
  json.member("epoch", header.epoch).member("seq", header.seq);
  if (bundle.delta) json.member("base", bundle.delta->seq);
  json.member("issued", format_rfc3339(header.issued)).member("expires", format_rfc3339(header.expires));
  json.member("prev_sha256", header.prev_sha256).member("root", header.root);
  json.member("orders", header.orders).member("targets", header.targets);
  if (bundle.delta) json.member("result_sha256", bundle.delta->result_sha256);
  if (!header.churn_why.empty()) json.key("churn").begin_object().member("why", header.churn_why).end_object();
  json.end_object();
  out += '\n';
}

void append_header_line(std::string& out, const SnapshotHeader& header) {
  append_header_line(out, BundleHeader{header, std::nullopt});
}

}  // namespace sluice
