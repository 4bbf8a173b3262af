#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/guard/lists.h"
#include "rules/guard/suffix_index.h"
#include "rules/model/order.h"

namespace sluice {

/// What the guards judge by, ready for look-ups: made once, used by any number of runs. Never changes.
class Guard {
 public:
  /// `appeal_hosts`: canonical names of the operator's own pages, protected like the list's (guard G2).
  explicit Guard(GuardLists lists, const std::vector<std::string>& appeal_hosts = {});

  [[nodiscard]] const GuardLists& lists() const noexcept { return lists_; }
  [[nodiscard]] const SuffixIndex& index() const noexcept { return index_; }

  /// How the protected name reads in a refusal: "dns.google (resolver)".
  [[nodiscard]] std::string protected_text(std::uint32_t index_plus_1) const;

 private:
  void enter_protected(std::uint32_t index);
  bool enter_listed(const std::string& name, bool platform);

  GuardLists lists_;
  SuffixIndex index_;
};

/// A name of the lists that a target is, or lies below.
struct ListedAncestor {
  const NameFacts* facts = nullptr;  ///< nullptr: none
  bool whole = false;                ///< the target is that name, or its front: "www." or "m." before it
};
/// The longest popular name or shared platform that the canonical `name` is or lies below. What lies above the public
/// suffix of `name` is somebody else's: x.blogspot.com is not below a popular blogspot.com (libpsl, private suffixes).
[[nodiscard]] ListedAncestor listed_ancestor(const Guard& guard, const std::string& name);

/// The host of a URL, canonical; empty where it has none or is an address.
[[nodiscard]] std::string host_of_url(std::string_view url);

}  // namespace sluice
