#include "control/ctl/author.h"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <set>

#include "control/ctl/bundle_facts.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ctl/table.h"
#include "rules/convert/rpz.h"
#include "rules/model/name.h"
#include "rules/model/order_check.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/json_writer.h"
#include "rules/text/orders_yaml.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

std::uint64_t targets_of(const std::vector<OrderWithTargets>& orders) {
  std::uint64_t n = 0;
  for (const OrderWithTargets& order : orders) n += order.targets.size();
  return n;
}

void write_errors(JsonWriter& json, std::string_view name, const std::vector<FileError>& errors) {
  json.key(name).begin_array();
  for (const FileError& e : errors) {
    json.begin_object().member("file", e.file).member("line", e.error.line).member("column", e.error.column);
    json.member("code", e.error.code).member("what", e.error.what).end_object();
  }
  json.end_array();
}

/// Every file that could be read, and everything wrong or odd in any of them.
struct Checked {
  std::vector<std::pair<std::string, OrdersFile>> files;
  std::vector<FileError> errors, warnings;
};

Checked check_files(const std::vector<std::string>& paths) {
  Checked checked;
  std::set<std::pair<std::string, std::string>> ids;
  for (const std::string& path : paths) {
    auto file = read_orders_file(path);
    if (!file) {
      checked.errors.insert(checked.errors.end(), file.error().begin(), file.error().end());
      continue;
    }
    for (const OrderWithTargets& order : file->orders) {
      if (ids.insert({file->feed, order.order.id}).second) continue;
      checked.errors.push_back({path, {0, 0, "", "order " + order.order.id + " stands in another file, too"}});
    }
    checked.warnings.insert(checked.warnings.end(), file->warnings.begin(), file->warnings.end());
    checked.files.emplace_back(path, *std::move(file));
  }
  return checked;
}

void print_json(const Checked& checked) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().member("ok", checked.errors.empty()).key("files").begin_array();
  for (const auto& [path, file] : checked.files) {
    json.begin_object().member("file", path).member("feed", file.feed).member("orders", file.orders.size());
    json.member("targets", targets_of(file.orders)).key("names_files").begin_array();
    for (const NamesFile& names : file.names_files) {
      json.begin_object().member("path", names.path).member("sha256", names.sha256).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array();
  write_errors(json, "errors", checked.errors);
  write_errors(json, "warnings", checked.warnings);
  json.end_object();
  std::cout << text << '\n';
}

void print_text(const Checked& checked) {
  for (const FileError& e : checked.errors) std::cerr << to_string(e) << '\n';
  for (const FileError& e : checked.warnings) std::cerr << "warning: " << to_string(e) << '\n';
  for (const auto& [path, file] : checked.files) {
    std::cout << path << ": " << file.feed << ", " << grouped(file.orders.size()) << " orders, "
              << grouped(targets_of(file.orders)) << " targets\n";
    for (const NamesFile& names : file.names_files)
      std::cout << "  " << names.path << "  sha256 " << names.sha256 << '\n';
  }
}

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

int run_check(const std::vector<std::string>& files, bool json) {
  const Checked checked = check_files(files);
  if (json) {
    print_json(checked);
  } else {
    print_text(checked);
  }
  return checked.errors.empty() ? kFine : kAnswerIsNo;
}

int run_bundle(const BundleOptions& options, UnixSeconds now) {
  if (!is_feed_name(options.feed)) return complain("--feed " + options.feed + ": not a feed name", kBadCommandLine);
  if (options.valid_s > kMaxBundleSeconds) return complain("a bundle is valid for at most 30 days", kBadCommandLine);
  Checked checked = check_files(options.files);
  for (auto& [path, file] : checked.files) {
    if (file.feed != options.feed) checked.errors.push_back({path, {0, 0, "", "is of feed " + file.feed}});
  }
  if (!checked.errors.empty()) {
    for (const FileError& e : checked.errors) std::cerr << to_string(e) << '\n';
    return kAnswerIsNo;
  }
  for (const FileError& e : checked.warnings) std::cerr << "warning: " << to_string(e) << '\n';

  Snapshot snapshot;
  snapshot.header = {options.feed, options.epoch, options.seq, now, now + options.valid_s, "", options.root, 0, 0};
  if (!follow(options.prev, snapshot.header)) return kAnswerIsNo;
  for (auto& [path, file] : checked.files) {
    std::ranges::move(file.orders, std::back_inserter(snapshot.orders));
  }
  std::ranges::sort(snapshot.orders, {}, [](const OrderWithTargets& o) { return o.order.id; });
  const std::string out = options.out.empty() ? default_name(snapshot.header) : options.out;
  if (!write_output(out, write_snapshot(snapshot), 0644, true)) return kAnswerIsNo;
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
