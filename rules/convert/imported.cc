#include "rules/convert/imported.h"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "rules/text/json_writer.h"
#include "rules/text/target_text.h"

namespace sluice {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  JsonWriter(out).value(text);  // a JSON string is one of YAML, too
  return out;
}

void add_targets(OrderFileText& out, std::span<const ImportedName> names, Scope scope, const std::string& stem) {
  const std::string width = scope == Scope::Exact ? "exact" : "subtree";
  const auto count = std::ranges::count_if(names, [&](const ImportedName& n) { return n.target.scope == scope; });
  const bool inlined = static_cast<std::size_t>(count) <= kMaxInlineNames;
  std::string lines;
  for (const ImportedName& name : names) {
    if (name.target.scope != scope) continue;
    const std::string& text = name.target.name.text();
    lines += inlined ? "      - {name: " + quoted(text) + ", scope: " + width + "}\n" : text + "\n";
  }
  if (inlined) {
    out.text += lines;
  } else {
    const std::string file = stem + "-" + width + ".txt";
    out.text += "      - {names_file: " + quoted(file) + ", scope: " + width + "}\n";
    out.names_files.emplace_back(file, std::move(lines));
  }
}

}  // namespace

void ImportCollector::lose(std::uint32_t line, std::string what) {
  out_.losses.push_back({line, 1, {}, std::move(what)});
}

void ImportCollector::refer(std::uint32_t line, std::string subject, std::string what) {
  out_.losses.push_back({line, 1, "E_SCOPE", std::move(what), std::move(subject)});
}

void ImportCollector::add(std::uint32_t line, std::string_view text, Scope scope, OrderAction action,
                          std::string_view number) {
  if (text.starts_with("*.")) {
    return lose(line, std::string(text) + ": a subtree without its apex, which no order can say");
  }
  auto name = read_name_target(text, action == OrderAction::Block);
  if (!name.has_value()) {
    const bool scope_error = name.error().code == "E_SCOPE";
    out_.losses.push_back({line, 1, name.error().code, std::string(text) + ": " + name.error().what,
                           scope_error ? std::string(text) : std::string()});
    return;
  }
  out_.names.push_back({{*std::move(name), scope}, action, std::string(number)});
}

Imported ImportCollector::finish() {
  const auto key = [](const ImportedName& n) {
    return std::tie(n.number, n.action, n.target.name.text(), n.target.scope);
  };
  std::ranges::sort(out_.names, {}, key);
  const auto twice = std::ranges::unique(out_.names, {}, key);
  out_.names.erase(twice.begin(), twice.end());
  return std::move(out_);
}

OrderFileText write_order_file(const Imported& imported, const OrderFileOptions& options) {
  OrderFileText out{options.head, {}};
  if (!out.text.ends_with('\n')) out.text += '\n';
  out.text += "orders:\n";
  std::size_t orders = 0;
  for (auto begin = imported.names.begin(); begin != imported.names.end();) {
    const auto end = std::find_if(begin, imported.names.end(), [&](const ImportedName& n) {
      return n.number != begin->number || n.action != begin->action;
    });
    const std::string id = options.id + (++orders == 1 ? "" : "-" + std::to_string(orders));
    out.text += "  - id: " + quoted(id) + "\n";
    out.text += "    number: " + quoted(begin->number.empty() ? options.number : begin->number) + "\n";
    out.text +=
        std::string("    action: ") + (begin->action == OrderAction::Block ? "block" : "allow") + "\n    targets:\n";
    for (const Scope scope : {Scope::Exact, Scope::Subtree}) {
      add_targets(out, {begin, end}, scope, options.stem + "-" + id);
    }
    begin = end;
  }
  return out;
}

}  // namespace sluice
