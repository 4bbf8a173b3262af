#include "rules/guard/guard.h"

#include <array>
#include <utility>

#include "rules/guard/address_shape.h"
#include "rules/text/public_suffix.h"

namespace sluice {
namespace {

/// Front doors of a site that are not a part of it, but all of it.
constexpr std::array<std::string_view, 3> kFronts{"www.", "m.", "mobile."};

bool is_front_of(std::string_view name, std::string_view site) {
  for (const std::string_view front : kFronts) {
    if (name.size() == front.size() + site.size() && name.starts_with(front)) return true;
  }
  return false;
}

}  // namespace

Guard::Guard(GuardLists lists, const std::vector<std::string>& appeal_hosts) : lists_(std::move(lists)) {
  for (const std::string& host : appeal_hosts) lists_.protected_names.push_back({"appeal", Scope::Exact, host});
  for (const std::string& suffix : listed_public_suffixes()) {
    index_.enter(suffix, [](NameFacts& facts, bool itself) { facts.above_public_suffix |= !itself; });
  }
  for (std::uint32_t i = 0; i < lists_.protected_names.size(); ++i) enter_protected(i);
  // A name counts once, in whichever lists it stands.
  std::erase_if(lists_.platforms, [this](const std::string& name) { return !enter_listed(name, true); });
  std::erase_if(lists_.popular, [this](const std::string& name) { return !enter_listed(name, false); });
  for (const std::string& name : lists_.ordinary) {
    index_.enter(name, [](NameFacts& facts, bool) { ++facts.ordinary_names; });
  }
}

void Guard::enter_protected(std::uint32_t index) {
  index_.enter(lists_.protected_names[index].name, [index](NameFacts& facts, bool itself) {
    if (itself && facts.protected_by == 0) facts.protected_by = index + 1;
    if (facts.protected_below == 0) facts.protected_below = index + 1;
  });
}

bool Guard::enter_listed(const std::string& name, bool platform) {
  const NameFacts* const known = index_.find(name);
  if (known != nullptr && (known->platform || known->popular)) return false;
  index_.enter(name, [platform](NameFacts& facts, bool itself) {
    (platform ? facts.platform : facts.popular) |= itself;
    ++(platform ? facts.platforms : facts.popular_names);
  });
  return true;
}

std::string Guard::protected_text(std::uint32_t index_plus_1) const {
  const ProtectedName& name = lists_.protected_names[index_plus_1 - 1];
  return name.name + " (" + name.category + ")";
}

ListedAncestor listed_ancestor(const Guard& guard, const std::string& name) {
  ListedAncestor found;
  guard.index().each_suffix(name, [&](const NameFacts& facts) {
    if (facts.popular || facts.platform) found.facts = &facts;
  });
  if (found.facts == nullptr) return found;
  const std::string& listed = found.facts->name;
  if (listed.size() < registrable_domain(name).size()) return {};
  found.whole = listed.size() == name.size() || is_front_of(name, listed);
  return found;
}

std::string host_of_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  url.remove_prefix(url.rfind('@') == std::string_view::npos ? 0 : url.rfind('@') + 1);
  if (url.starts_with('[')) return {};
  const auto name = canonical_name(url.substr(0, url.find(':')));
  return name.has_value() && address_shape(name->text()).empty() ? name->text() : std::string();
}

}  // namespace sluice
