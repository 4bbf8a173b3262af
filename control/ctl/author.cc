#include "control/ctl/author.h"

#include <algorithm>
#include <charconv>
#include <iostream>

#include "control/ctl/bundle_facts.h"
#include "control/ctl/check.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ctl/table.h"
#include "rules/convert/rpz.h"
#include "rules/delta/delta.h"
#include "rules/guard/load.h"
#include "rules/model/name.h"
#include "rules/model/order_check.h"
#include "rules/sign/digest.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/json_writer.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

/// Header fields that follow from the bundle before: its hash. False, with a complaint, where it cannot be followed.
bool follow(const std::string& prev, SnapshotHeader& header) {
  if (prev.empty()) return true;
  const auto before = bundle_facts(prev);
  if (!before) return complain(before.error(), kAnswerIsNo), false;
  if (before->header.feed != header.feed)
    return complain(prev + ": of feed " + before->header.feed, kAnswerIsNo), false;
  if (std::pair(before->header.epoch, before->header.seq) >= std::pair(header.epoch, header.seq)) {
    return complain(prev + ": epoch and seq are not smaller: no gateway would accept this bundle", kAnswerIsNo), false;
  }
  header.prev_sha256 = to_hex(before->digests.sha256);
  return true;
}

std::string default_name(const SnapshotHeader& header) {
  std::string name = header.feed;
  std::ranges::replace(name, '/', '-');
  return name + "-" + std::to_string(header.epoch) + "-" + std::to_string(header.seq) + ".jsonl";
}

}  // namespace

std::optional<UnixSeconds> duration_from(std::string_view text) {
  std::uint32_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end + 1 != text.data() + text.size() || n == 0) return {};
  switch (*end) {
    case 's': return UnixSeconds{n};
    case 'm': return UnixSeconds{n} * 60;
    case 'h': return UnixSeconds{n} * 3600;
    case 'd': return UnixSeconds{n} * 86400;
    default: return {};
  }
}

namespace {

/// Canonical: orders ascending by id, targets by their lines, each once.
void bring_in_order(Snapshot& snapshot) {
  std::ranges::sort(snapshot.orders, {}, [](const OrderWithTargets& o) { return o.order.id; });
  for (OrderWithTargets& order : snapshot.orders) {
    std::vector<std::pair<std::string, Target>> lines;
    lines.reserve(order.targets.size());
    for (Target& target : order.targets) {
      std::string line;
      append_target_line(line, target);
      lines.emplace_back(std::move(line), std::move(target));
    }
    std::ranges::sort(lines, {}, &std::pair<std::string, Target>::first);
    const auto twice = std::ranges::unique(lines, {}, &std::pair<std::string, Target>::first);
    lines.erase(twice.begin(), twice.end());
    order.targets.clear();
    for (auto& [line, target] : lines) order.targets.push_back(std::move(target));
  }
}

/// The delta from the file `base` to `whole`, a snapshot's text that follows it.
Result<std::string, std::string> delta_text(const std::string& base, const std::string& whole) {
  const auto before = read_regular_file(base, BundleLimits().bytes);
  if (!before) return std::unexpected(base + ": " + before.error());
  const auto from = SnapshotText::read(*before);
  if (!from) return std::unexpected(to_string(from.error(), base));
  if (!from->canonical()) return std::unexpected(base + ": not in canonical form: make a snapshot instead");
  const auto to = SnapshotText::read(whole);
  const auto old_header = read_snapshot_header(*before);
  const auto header = read_snapshot_header(whole);
  if (!to || !old_header || !header) return std::unexpected(base + ": not a snapshot");
  if (old_header->epoch != header->epoch) {
    return std::unexpected(base + ": of another epoch: make a snapshot instead");
  }
  return write_delta({*header, DeltaBase{old_header->seq, to_hex(digests_of(whole).sha256)}}, diff(*from, *to));
}

bool write_bundle(const BundleOptions& options, const std::string& whole, const std::string& out) {
  if (options.base.empty()) return write_output(out, whole, 0644, true);
  const auto delta = delta_text(options.base, whole);
  if (!delta) return complain(delta.error(), kAnswerIsNo), false;
  return write_output(options.whole.empty() ? out + ".whole" : options.whole, whole, 0644, true) &&
         write_output(out, *delta, 0644, true);
}

}  // namespace

int run_bundle(const BundleOptions& options, UnixSeconds now) {
  if (!is_feed_name(options.feed)) return complain("--feed " + options.feed + ": not a feed name", kBadCommandLine);
  if (options.valid_s > kMaxBundleSeconds) return complain("a bundle is valid for at most 30 days", kBadCommandLine);
  const auto guard = load_guard({});
  if (!guard) return complain(guard.error(), kAnswerIsNo);
  Checked checked = check_files(options.files, *guard, std::nullopt);
  for (auto& [path, file] : checked.files) {
    if (file.feed == options.feed) continue;
    checked.errors.push_back({{path, {0, 0, "", "is of feed " + file.feed}}, {}, {}, {}});
  }
  print_findings(checked);
  if (!checked.errors.empty()) return kAnswerIsNo;

  Snapshot snapshot;
  snapshot.header = {options.feed, options.epoch, options.seq, now, now + options.valid_s,
                     "",           options.root,  0,           0,   options.churn_why};
  if (!follow(options.base.empty() ? options.prev : options.base, snapshot.header)) return kAnswerIsNo;
  for (auto& [path, file] : checked.files) {
    std::ranges::move(file.orders, std::back_inserter(snapshot.orders));
  }
  bring_in_order(snapshot);
  const std::string out = options.out.empty() ? default_name(snapshot.header) : options.out;
  if (!write_bundle(options, write_snapshot(snapshot), out)) return kAnswerIsNo;
  const auto facts = bundle_facts(out);
  if (!facts) return complain(facts.error(), kAnswerIsNo);
  if (options.json) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().member("bundle", out);
    write_facts(json, *facts);
    json.end_object();
    std::cout << text << '\n';
  } else {
    std::cout << out << '\n' << show_facts(*facts) << "Every signer compares the sha256 before signing.\n";
  }
  return kFine;
}

int run_export(const std::string& bundle, const std::string& zone, const std::string& out, UnixSeconds now) {
  const auto apex = canonical_name(zone);
  if (!apex) return complain("--zone " + zone + ": " + std::string(to_string(apex.error())), kBadCommandLine);
  const auto text = read_regular_file(bundle, BundleLimits().bytes);
  if (!text) return complain(bundle + ": " + text.error(), kAnswerIsNo);
  auto snapshot = read_snapshot(*text);
  if (!snapshot) return complain(to_string(snapshot.error().where, bundle), kAnswerIsNo);
  const std::vector<Feed> feeds{{*std::move(snapshot), {}, {}}};
  const RpzZone rpz = write_rpz(feeds, {*apex, now});
  if (rpz.patterns + rpz.unspeakable > 0) {
    std::cerr << "sluicectl: left out: " << rpz.patterns << " patterns and " << rpz.unspeakable
              << " names that a zone cannot say (listed in its comments)\n";
  }
  if (!out.empty()) return write_output(out, rpz.text, 0644, true) ? kFine : kAnswerIsNo;
  std::cout << rpz.text;
  return kFine;
}

}  // namespace sluice
