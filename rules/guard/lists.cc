#include "rules/guard/lists.h"

#include <algorithm>
#include <array>
#include <utility>

#include "rules/model/name.h"
#include "rules/text/text_lines.h"

namespace sluice {
namespace {

/// Calls `on_line(number, text)` for each line that says something.
template <class OnLine>
void each_entry(std::string_view text, OnLine&& on_line) {
  each_line(text, [&](std::uint32_t number, std::string_view line) {
    if (line.front() != '#') on_line(number, line);
  });
}

class Lines {
 public:
  void fail(std::uint32_t line, std::string what) { errors.push_back({line, 1, {}, std::move(what)}); }
  /// Canonical, or empty and an error.
  std::string name(std::uint32_t line, std::string_view text) {
    const auto read = canonical_name(text);
    if (read.has_value()) return read->text();
    fail(line, std::string(text.substr(0, 80)) + ": " + std::string(to_string(read.error())));
    return {};
  }
  std::vector<TextError> errors;
};

/// "12,example.com" → "example.com"; anything else as it is.
std::string_view without_rank(std::string_view line) {
  const std::size_t comma = line.find(',');
  if (comma == std::string_view::npos) return line;
  const bool ranked = std::ranges::all_of(line.substr(0, comma), [](char c) { return c >= '0' && c <= '9'; });
  return ranked ? line.substr(comma + 1) : line;
}

}  // namespace

Result<std::vector<ProtectedName>, std::vector<TextError>> read_protected_names(std::string_view text) {
  Lines lines;
  std::vector<ProtectedName> out;
  each_entry(text, [&](std::uint32_t number, std::string_view rest) {
    const std::string_view category = next_word(rest), scope = next_word(rest), name = next_word(rest);
    if (name.empty() || !trimmed(rest).empty() || (scope != "exact" && scope != "subtree")) {
      return lines.fail(number, "expected CATEGORY exact|subtree NAME");
    }
    std::string canonical = lines.name(number, name);
    out.push_back({std::string(category), scope == "exact" ? Scope::Exact : Scope::Subtree, std::move(canonical)});
  });
  if (!lines.errors.empty()) return std::unexpected(std::move(lines.errors));
  return out;
}

Result<std::vector<std::string>, std::vector<TextError>> read_name_list(std::string_view text) {
  Lines lines;
  std::vector<std::string> out;
  each_entry(text, [&](std::uint32_t number, std::string_view line) {
    out.push_back(lines.name(number, trimmed(without_rank(line))));
  });
  if (!lines.errors.empty()) return std::unexpected(std::move(lines.errors));
  return out;
}

GuardLists shipped_lists() {
  const ShippedTexts texts = shipped_texts();
  // A test sees to it that they read without an error.
  return {*read_protected_names(texts.protected_names), *read_name_list(texts.popular),
          *read_name_list(texts.platforms), *read_name_list(texts.ordinary)};
}

}  // namespace sluice
