#include <algorithm>

#include "rules/convert/csv_records.h"
#include "rules/convert/imported.h"

namespace sluice {
std::optional<std::vector<CsvColumn>> csv_columns(std::string_view text) {
  std::vector<CsvColumn> columns;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    if (word == "name") {
      columns.push_back(CsvColumn::Name);
    } else if (word == "scope") {
      columns.push_back(CsvColumn::Scope);
    } else if (word == "number") {
      columns.push_back(CsvColumn::Number);
    } else if (word == "-") {
      columns.push_back(CsvColumn::Ignored);
    } else {
      return std::nullopt;
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  for (const CsvColumn once : {CsvColumn::Scope, CsvColumn::Number}) {
    if (std::ranges::count(columns, once) > 1) return std::nullopt;
  }
  if (std::ranges::count(columns, CsvColumn::Name) != 1) return std::nullopt;
  return columns;
}

Imported import_csv(std::string_view text, const CsvShape& shape) {
  ImportCollector out;
  CsvRecords records(text, shape.separator);
  std::vector<std::string> fields;
  std::uint32_t line = 0;
  for (bool first = true; records.next(fields, line); first = false) {
    if ((first && shape.heading) || (fields.size() == 1 && fields[0].empty())) continue;
    if (fields.size() != shape.columns.size()) {
      out.lose(line, "has " + std::to_string(fields.size()) + " fields, " + std::to_string(shape.columns.size()) +
                         " are declared");
      continue;
    }
    std::string name, number, width;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (shape.columns[i] == CsvColumn::Name) name = fields[i];
      if (shape.columns[i] == CsvColumn::Number) number = fields[i];
      if (shape.columns[i] == CsvColumn::Scope) width = fields[i];
    }
    std::optional<Scope> scope = shape.scope;
    if (width == "exact") scope = Scope::Exact;
    if (width == "subtree") scope = Scope::Subtree;
    if (!scope || (!width.empty() && width != "exact" && width != "subtree")) {
      std::string what = name;
      out.lose(line, what.append(": its scope is \"").append(width).append("\", not exact or subtree"));
    } else {
      out.add(line, name, *scope, OrderAction::Block, number);
    }
  }
  return out.finish();
}

}  // namespace sluice
