#include "rules/guard/load.h"

#include <optional>

#include "rules/text/public_suffix.h"
#include "rules/text/rfc3339.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxListBytes = 256 * 1024 * 1024;
constexpr UnixSeconds kOldSuffixList = 183 * 86400;

/// Reads each file by `read` and appends what it gives; an error line, or nothing.
template <class T, class Read>
std::optional<std::string> append_files(const std::vector<std::string>& files, std::vector<T>& to, Read&& read) {
  for (const std::string& file : files) {
    const auto text = read_regular_file(file, kMaxListBytes);
    if (!text.has_value()) return file + ": " + text.error();
    auto names = read(*text);
    if (!names.has_value()) return to_string(names.error().front(), file);
    to.insert(to.end(), names->begin(), names->end());
  }
  return std::nullopt;
}

}  // namespace

Result<Guard, std::string> load_guard(const GuardConfig& config) {
  if (listed_public_suffixes().empty()) {
    return std::unexpected(std::string("the public suffix list cannot be read: install the package publicsuffix"));
  }
  GuardLists lists = shipped_lists();
  auto failed = append_files(config.protected_files, lists.protected_names, read_protected_names);
  if (!failed) failed = append_files(config.popular_files, lists.popular, read_name_list);
  if (!failed) failed = append_files(config.platform_files, lists.platforms, read_name_list);
  if (failed) return std::unexpected(std::move(*failed));
  return Guard(std::move(lists), config.appeal_hosts);
}

std::string public_suffix_age(UnixSeconds now) {
  const UnixSeconds made = public_suffix_list_time();
  if (now - made <= kOldSuffixList) return {};
  return "the public suffix list is of " + format_rfc3339(made).substr(0, 10) +
         ": update Debian's packages publicsuffix and libpsl5";
}

}  // namespace sluice
