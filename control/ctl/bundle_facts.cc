#include "control/ctl/bundle_facts.h"

#include "control/ctl/table.h"
#include "rules/delta/delta.h"
#include "rules/sign/bundle_file.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/json_writer.h"
#include "rules/text/rfc3339.h"

namespace sluice {

namespace {

std::string line_of(const OrderChange& change) {
  std::string out = std::string(to_string(change.kind)) + " " + std::string(change.id);
  if (!change.added.empty()) out += ", " + grouped(change.added.size()) + " targets added";
  if (!change.removed.empty()) out += ", " + grouped(change.removed.size()) + " targets removed";
  return out;
}

Result<void, std::string> read_changes(const std::string& text, const std::string& file, BundleFacts& facts) {
  const auto delta = read_delta(text);
  if (!delta) return std::unexpected(to_string(delta.error().where, file));
  for (const OrderChange& change : delta->changes) facts.changes.push_back(line_of(change));
  return {};
}

}  // namespace

Result<BundleFacts, std::string> bundle_facts(const std::string& file) {
  const auto text = load_signed(file, BundleLimits().bytes);
  if (!text) return std::unexpected(text.error().detail);
  const auto header = read_bundle_header(text->bytes);
  if (!header) return std::unexpected(to_string(header.error().where, file));
  BundleFacts facts{header->snapshot, text->digests, text->bytes.size(), header->delta, {}};
  if (facts.delta) {
    if (auto read = read_changes(text->bytes, file, facts); !read) return std::unexpected(read.error());
  } else if (const auto read = read_bundle_text(text->bytes, file, BundleLimits(), {}); !read) {
    return std::unexpected(read.error().detail);
  }
  return facts;
}

std::string show_facts(const BundleFacts& facts) {
  const SnapshotHeader& h = facts.header;
  std::string out = "  feed     " + h.feed + "\n  epoch    " + std::to_string(h.epoch) + ", seq " +
                    std::to_string(h.seq) + ", root " + std::to_string(h.root) + "\n  orders   " + grouped(h.orders) +
                    "\n  targets  " + grouped(h.targets) + "\n  issued   " + format_rfc3339(h.issued) +
                    "\n  expires  " + format_rfc3339(h.expires) + " (valid for " + duration(h.expires - h.issued) +
                    ")\n  prev     " + (h.prev_sha256.empty() ? "none" : h.prev_sha256) + "\n";
  if (facts.delta) {
    out += "  delta    on seq " + std::to_string(facts.delta->seq) + "; the snapshot that results has sha256 " +
           facts.delta->result_sha256 + "\n";
    for (const std::string& change : facts.changes) out += "    " + change + "\n";
  }
  return out + "  sha256   " + to_hex(facts.digests.sha256) + "\n  comment  " +
         trusted_comment_for(h, facts.digests.sha256) + "\n";
}

void write_facts(JsonWriter& json, const BundleFacts& facts) {
  const SnapshotHeader& h = facts.header;
  json.member("feed", h.feed).member("epoch", h.epoch).member("seq", h.seq).member("root", h.root);
  json.member("orders", h.orders).member("targets", h.targets).member("bytes", facts.bytes);
  json.member("issued", format_rfc3339(h.issued)).member("expires", format_rfc3339(h.expires));
  json.member("prev_sha256", h.prev_sha256).member("sha256", to_hex(facts.digests.sha256));
}

}  // namespace sluice
