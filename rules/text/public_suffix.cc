#include "rules/text/public_suffix.h"

#include <libpsl.h>

#include <algorithm>
#include <vector>

#include "rules/model/name.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxListBytes = 16 * 1024 * 1024;

struct Lists {
  std::vector<std::string> suffixes;
  std::vector<std::string> above;  ///< every proper ancestor of a suffix
};

void sort_out(std::vector<std::string>& names) {
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
}

/// One rule of the list (publicsuffix.org/list): comments and exceptions are passed over, "*." names its base.
void add_rule(Lists& lists, std::string_view line) {
  line = line.substr(0, line.find_first_of(" \t\r"));
  if (line.empty() || line.starts_with("//") || line.starts_with('!')) return;
  if (line.starts_with("*.")) line.remove_prefix(2);
  const auto name = canonical_name(line);
  if (!name.has_value()) return;
  lists.suffixes.push_back(name->text());
  std::string_view ancestor = name->text();
  for (std::size_t dot = ancestor.find('.'); dot != std::string_view::npos; dot = ancestor.find('.')) {
    ancestor.remove_prefix(dot + 1);
    lists.above.emplace_back(ancestor);
  }
}

Lists read_lists() {
  // libpsl knows where the package keeps the compiled list; the readable one lies beside it.
  std::string path = psl_dist_filename();
  path = path.substr(0, path.rfind('.')) + ".dat";
  Lists lists;
  const auto text = read_regular_file(path, kMaxListBytes);
  if (!text.has_value()) return lists;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::size_t newline = rest.find('\n');
    add_rule(lists, rest.substr(0, newline));
    rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
  }
  sort_out(lists.suffixes);
  sort_out(lists.above);
  return lists;
}

const Lists& lists() {
  static const Lists kLists = read_lists();
  return kLists;
}

}  // namespace

bool is_public_suffix(const std::string& name) {
  return psl_is_public_suffix2(psl_builtin(), name.c_str(), PSL_TYPE_ANY) == 1;
}

std::string_view registrable_domain(const std::string& name) {
  const char* const domain = psl_registrable_domain(psl_builtin(), name.c_str());
  return domain == nullptr ? std::string_view(name) : std::string_view(domain);
}

std::int64_t public_suffix_list_time() {
  return psl_builtin_file_time();
}

bool is_above_public_suffix(std::string_view name) {
  return std::ranges::binary_search(lists().above, name);
}

std::span<const std::string> listed_public_suffixes() {
  return lists().suffixes;
}

}  // namespace sluice
