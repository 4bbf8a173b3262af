#include "control/ctl/bundle_facts.h"

#include "control/ctl/table.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/json_writer.h"
#include "rules/text/rfc3339.h"
#include "rules/text/small_file.h"

namespace sluice {

Result<BundleFacts, std::string> bundle_facts(const std::string& file) {
  BundleFacts facts;
  Digester digester;
  BundleReader reader({[&](const SnapshotHeader& header) { facts.header = header; }, {}, {}}, BundleLimits());
  Result<void, BundleError> parsed;
  const auto streamed = stream_regular_file(file, [&](Bytes bytes) {
    facts.bytes += bytes.size();
    digester.add(bytes);
    parsed = reader.add(bytes);
    return parsed.has_value();
  });
  if (!streamed) return std::unexpected(file + ": " + streamed.error());
  if (parsed) parsed = reader.finish();
  if (!parsed) return std::unexpected(to_string(parsed.error().where, file));
  facts.digests = digester.finish();
  return facts;
}

std::string show_facts(const BundleFacts& facts) {
  const SnapshotHeader& h = facts.header;
  return "  feed     " + h.feed + "\n  epoch    " + std::to_string(h.epoch) + ", seq " + std::to_string(h.seq) +
         ", root " + std::to_string(h.root) + "\n  orders   " + grouped(h.orders) + "\n  targets  " +
         grouped(h.targets) + "\n  issued   " + format_rfc3339(h.issued) + "\n  expires  " + format_rfc3339(h.expires) +
         " (valid for " + duration(h.expires - h.issued) + ")\n  prev     " +
         (h.prev_sha256.empty() ? "none" : h.prev_sha256) + "\n  sha256   " + to_hex(facts.digests.sha256) + "\n";
}

void write_facts(JsonWriter& json, const BundleFacts& facts) {
  const SnapshotHeader& h = facts.header;
  json.member("feed", h.feed).member("epoch", h.epoch).member("seq", h.seq).member("root", h.root);
  json.member("orders", h.orders).member("targets", h.targets).member("bytes", facts.bytes);
  json.member("issued", format_rfc3339(h.issued)).member("expires", format_rfc3339(h.expires));
  json.member("prev_sha256", h.prev_sha256).member("sha256", to_hex(facts.digests.sha256));
}

}  // namespace sluice
