#include "control/ctl/check.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <set>
#include <tuple>

#include "control/ctl/author.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ctl/referrals.h"
#include "control/ctl/table.h"
#include "rules/guard/load.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

constexpr std::size_t kAllRefusals = 1000;  ///< of one order: more are one mistake

/// Where the target of a finding was written, else where its order was.
FileError place_of(const OrdersFile& file, std::size_t order, std::size_t target) {
  const OrderPlace& place = file.places[order];
  if (target == kNoTarget) return {file.files.front(), {place.line, place.column, {}, {}}};
  const TargetPlace& at = place.targets[target];
  return {file.files[at.file], {at.line, at.column, {}, {}}};
}

void add_refusals(Checked& checked, const OrdersFile& file, const GuardReport& report) {
  for (const GuardRefusal& refusal : report.refusals) {
    CheckError error{place_of(file, refusal.order_index, refusal.target_index), refusal.order, refusal.target,
                     refusal.instead};
    error.where.error.code = refusal.code;
    error.where.error.what = refusal.target + (refusal.target.empty() ? "" : ": ") + refusal.detail;
    checked.errors.push_back(std::move(error));
  }
}

void add_overrides(Checked& checked, const OrdersFile& file, const GuardReport& report) {
  for (const GuardOverride& override : report.overrides) {
    std::string what =
        "order " + override.order + " overrides " + override.guard + " for " + override.target + ": " + override.why;
    if (override.wants_second_signature) what += " (a whole platform: a second independent party must sign)";
    checked.warnings.push_back({file.files.front(), {0, 0, {}, std::move(what)}});
  }
}

void ask_guards(Checked& checked, const Guard& guard, std::optional<UnixSeconds> now) {
  for (const auto& [path, file] : checked.files) {
    GuardReport report =
        run_guards(guard, file.orders, {}, {.refusals_per_order = kAllRefusals, .blast = true, .now = now});
    add_refusals(checked, file, report);
    add_overrides(checked, file, report);
    std::ranges::move(report.blast, std::back_inserter(checked.blast));
  }
}

void write_error(JsonWriter& json, const FileError& e, const CheckError* guarded) {
  json.begin_object().member("file", e.file).member("line", e.error.line).member("column", e.error.column);
  json.member("code", e.error.code).member("what", e.error.what).member_if("subject", e.error.subject);
  if (guarded != nullptr && !guarded->order.empty()) {
    json.member("order", guarded->order).member_if("target", guarded->target).member("instead", guarded->instead);
  }
  json.end_object();
}

void write_blast(JsonWriter& json, const Checked& checked) {
  json.key("blast").begin_array();
  for (const TargetBlast& b : checked.blast) {
    json.begin_object().member("order", b.order).member(b.pattern ? "pattern" : "subtree", b.target);
    json.member("popular", b.blast.popular).member("ordinary", b.blast.ordinary).key("examples").begin_array();
    for (const std::string& example : b.blast.examples) json.value(example);
    json.end_array().end_object();
  }
  json.end_array();
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
  json.end_array().key("errors").begin_array();
  for (const CheckError& error : checked.errors) write_error(json, error.where, &error);
  json.end_array().key("warnings").begin_array();
  for (const FileError& warning : checked.warnings) write_error(json, warning, nullptr);
  json.end_array();
  write_blast(json, checked);
  json.end_object();
  std::cout << text << '\n';
}

std::string show(const TargetBlast& b) {
  std::string out = "  order " + b.order + (b.pattern ? " pattern " : " subtree ") + b.target + " hits " +
                    grouped(b.blast.popular) + " popular and " + grouped(b.blast.ordinary) + " ordinary names";
  for (std::size_t i = 0; i < b.blast.examples.size(); ++i) out += (i == 0 ? ": " : ", ") + b.blast.examples[i];
  return out + (b.blast.examples.size() < b.blast.popular + b.blast.ordinary ? " …\n" : "\n");
}

void print_text(const Checked& checked) {
  print_findings(checked);
  for (const auto& [path, file] : checked.files) {
    std::cout << path << ": " << file.feed << ", " << grouped(file.orders.size()) << " orders, "
              << grouped(targets_of(file.orders)) << " targets\n";
    for (const NamesFile& names : file.names_files)
      std::cout << "  " << names.path << "  sha256 " << names.sha256 << '\n';
  }
  if (checked.blast.empty()) return;
  std::cout << "blast radius, of " << grouped(checked.popular) << " popular and " << grouped(checked.ordinary)
            << " ordinary names:\n";
  for (const TargetBlast& b : checked.blast) std::cout << show(b);
}

}  // namespace

std::uint64_t targets_of(const std::vector<OrderWithTargets>& orders) {
  std::uint64_t n = 0;
  for (const OrderWithTargets& order : orders) n += order.targets.size();
  return n;
}

Checked check_files(const std::vector<std::string>& paths, const Guard& guard, std::optional<UnixSeconds> now) {
  Checked checked;
  checked.popular = guard.lists().popular.size() + guard.lists().platforms.size();
  checked.ordinary = guard.lists().ordinary.size();
  std::set<std::pair<std::string, std::string>> ids;
  for (const std::string& path : paths) {
    auto file = read_orders_file(path);
    if (!file) {
      for (FileError& error : file.error()) checked.errors.push_back({std::move(error), {}, {}, {}});
      continue;
    }
    for (const OrderWithTargets& order : file->orders) {
      if (ids.insert({file->feed, order.order.id}).second) continue;
      checked.errors.push_back(
          {{path, {0, 0, "", "order " + order.order.id + " stands in another file, too"}}, {}, {}, {}});
    }
    checked.warnings.insert(checked.warnings.end(), file->warnings.begin(), file->warnings.end());
    checked.files.emplace_back(path, *std::move(file));
  }
  ask_guards(checked, guard, now);
  std::ranges::sort(checked.errors, [](const CheckError& a, const CheckError& b) {
    return std::tie(a.where.file, a.where.error.line, a.where.error.column, a.where.error.code) <
           std::tie(b.where.file, b.where.error.line, b.where.error.column, b.where.error.code);
  });
  return checked;
}

void print_findings(const Checked& checked) {
  for (const CheckError& e : checked.errors) {
    std::cerr << to_string(e.where) << '\n';
    if (!e.instead.empty()) std::cerr << "  instead: " << e.instead << '\n';
  }
  for (const FileError& e : checked.warnings) std::cerr << "warning: " << to_string(e) << '\n';
}

int run_check(const CheckOptions& options, UnixSeconds now) {
  const auto guard = load_guard(options.guards);
  if (!guard) return complain(guard.error(), kAnswerIsNo);
  Checked checked = check_files(options.files, *guard, now);
  if (std::string old = public_suffix_age(now); !old.empty()) {
    checked.warnings.push_back({"publicsuffix", {0, 0, "G1", std::move(old)}});
  }
  if (!options.referrals.empty()) {
    std::vector<std::pair<std::string, std::string>> found;
    for (const CheckError& e : checked.errors) {
      if (!e.where.error.subject.empty()) found.emplace_back(e.where.error.subject, "");
    }
    if (!enter_referrals(options.referrals, found, now)) return kAnswerIsNo;
  }
  if (options.json) {
    print_json(checked);
  } else {
    print_text(checked);
  }
  return checked.errors.empty() ? kFine : kAnswerIsNo;
}

}  // namespace sluice
