#include "control/ctl/convert.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ctl/referrals.h"
#include "control/ctl/table.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/json_writer.h"
#include "rules/text/orders_yaml.h"
#include "rules/text/small_file.h"
#include "rules/text/yaml_tree.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxListBytes = std::size_t{1} << 30;

std::optional<Scope> scope_from(const std::string& text) {
  if (text == "exact") return Scope::Exact;
  if (text == "subtree") return Scope::Subtree;
  return std::nullopt;
}

/// The error is about the command line.
Result<Imported, std::string> read_list(const ImportOptions& options, std::string_view text) {
  const std::optional<Scope> scope = scope_from(options.scope);
  if (options.format == "hosts") return import_hosts(text);
  if (options.format == "adblock") return import_adblock(text);
  if (options.format == "rpz") return import_rpz(text);
  if (options.format == "dump") return import_dump_xml(text);
  if (options.format == "plain") {
    if (!scope) return std::unexpected(std::string("--scope exact or subtree: a plain list does not say it"));
    return import_plain(text, *scope);
  }
  const auto columns = csv_columns(options.columns);
  if (!columns) return std::unexpected(std::string("--columns: name, and scope, number and - as the file has them"));
  if (options.separator.size() != 1) return std::unexpected(std::string("--separator: one character"));
  if (!scope && std::ranges::find(*columns, CsvColumn::Scope) == columns->end()) {
    return std::unexpected(std::string("--scope exact or subtree, or a column for it"));
  }
  return import_csv(text, {*columns, scope, options.separator[0], options.heading});
}

/// What was written must read as any order file does.
bool reads(const OrderFileText& made, const std::string& path) {
  const auto names = [&](const std::string& file) -> Result<std::string, std::string> {
    const auto found = std::ranges::find(made.names_files, file, &std::pair<std::string, std::string>::first);
    if (found == made.names_files.end()) return std::unexpected(std::string("not written"));
    return found->second;
  };
  const auto read = read_orders(made.text, path, names);
  if (read) return true;
  for (const FileError& e : read.error()) std::cerr << to_string(e) << '\n';
  return false;
}

void print_outcome(const ImportOptions& options, const Imported& imported) {
  if (!options.json) {
    for (const TextError& loss : imported.losses) std::cerr << "lost: " << to_string(loss, options.file) << '\n';
    std::cout << options.out << ": " << grouped(imported.names.size()) << " names, " << grouped(imported.losses.size())
              << " losses\n";
    return;
  }
  std::string text;
  JsonWriter json(text);
  json.begin_object().member("out", options.out).member("names", imported.names.size()).key("losses").begin_array();
  for (const TextError& loss : imported.losses) {
    json.begin_object().member("file", options.file).member("line", loss.line).member("code", loss.code);
    json.member("what", loss.what).member_if("subject", loss.subject).end_object();
  }
  json.end_array().end_object();
  std::cout << text << '\n';
}

}  // namespace

int run_import(const ImportOptions& options, UnixSeconds now) {
  const auto text = read_regular_file(options.file, kMaxListBytes);
  if (!text) return complain(options.file + ": " + text.error(), kAnswerIsNo);
  const auto head = read_regular_file(options.defaults, kMaxYamlBytes);
  if (!head) return complain(options.defaults + ": " + head.error(), kAnswerIsNo);
  const auto imported = read_list(options, *text);
  if (!imported) return complain(imported.error(), kBadCommandLine);
  if (!options.referrals.empty()) {
    std::vector<std::pair<std::string, std::string>> found;
    for (const TextError& loss : imported->losses) {
      if (!loss.subject.empty()) found.emplace_back(loss.subject, options.id);
    }
    if (!enter_referrals(options.referrals, found, now)) return kAnswerIsNo;
  }
  if (imported->names.empty()) {
    print_outcome(options, *imported);
    return complain(options.file + ": no name that an order could say", kAnswerIsNo);
  }
  const std::filesystem::path out(options.out);
  const OrderFileText made = write_order_file(*imported, {*head, options.id, options.number, out.stem().string()});
  if (!reads(made, options.out)) return kAnswerIsNo;
  for (const auto& [name, names] : made.names_files) {
    if (!write_output((out.parent_path() / name).string(), names, 0644, true)) return kAnswerIsNo;
  }
  if (!write_output(options.out, made.text, 0644, true)) return kAnswerIsNo;
  print_outcome(options, *imported);
  return kFine;
}

int run_export_list(const ExportOptions& options) {
  const auto text = read_regular_file(options.bundle, BundleLimits().bytes);
  if (!text) return complain(options.bundle + ": " + text.error(), kAnswerIsNo);
  auto snapshot = read_snapshot(*text);
  if (!snapshot) return complain(to_string(snapshot.error().where, options.bundle), kAnswerIsNo);
  const std::vector<Feed> feeds{{*std::move(snapshot), {}, {}}};
  const ListExport list = export_list(feeds, options.list);
  if (list.left_out > 0) {
    std::cerr << "sluicectl: left out: " << list.left_out << " that the format cannot say (listed in its comments)\n";
  }
  if (!options.out.empty()) return write_output(options.out, list.text, 0644, true) ? kFine : kAnswerIsNo;
  std::cout << list.text;
  return kFine;
}

}  // namespace sluice
