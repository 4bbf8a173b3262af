#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "rules/model/decide.h"

namespace sluice {

/// Words of other tools for what is blocked in DNS.
enum class ListFormat : std::uint8_t {
  Hosts,    ///< "0.0.0.0 name" and ":: name": exact names alone
  Plain,    ///< a name a line: of the scope that is asked for
  Unbound,  ///< server: local-zone and local-data
  Dnsmasq,  ///< address=, server= and host-record=
};

struct ListExport {
  std::string text;            ///< begins with comments: serial, feeds, expiry
  std::uint64_t entries = 0;   ///< names that it says
  std::uint64_t left_out = 0;  ///< targets and exceptions that the format cannot say (listed in comments)
};

struct ListOptions {
  ListFormat format = ListFormat::Hosts;
  Scope scope = Scope::Exact;  ///< ListFormat::Plain
  UnixSeconds now = 0;         ///< orders in force at this second; also the serial
};

/// The orders of these feeds for resolvers that know no policy zones. For every name that it speaks of it says what
/// decide() says for Method::Dns, but for qtypes; where a format cannot say something, it blocks less and never more:
/// patterns, subtrees in hosts files, exceptions there (their names are left out), and in unbound an exception for a
/// name alone, below which everything is then let pass.
[[nodiscard]] ListExport export_list(std::span<const Feed> feeds, const ListOptions& options);

}  // namespace sluice
