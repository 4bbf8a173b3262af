#include "rules/text/target_text.h"

#include <arpa/inet.h>

#include <algorithm>

#include "rules/text/public_suffix.h"

namespace sluice {
namespace {

std::unexpected<TargetProblem> problem(std::string code, std::string what) {
  return std::unexpected(TargetProblem{std::move(code), std::move(what)});
}

bool is_number_label(std::string_view label) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (label.starts_with("0x") || label.starts_with("0X")) {
    return std::ranges::all_of(label.substr(2), [](unsigned char c) { return std::isxdigit(c) != 0; });
  }
  return !label.empty() && std::ranges::all_of(label, digit);
}

/// An IPv4 or IPv6 address or prefix, in brackets or not, or what browsers take for an IPv4 address: a name whose last
/// label is a number (WHATWG URL 3.5).
bool is_address(std::string_view text) {
  std::string host(text.substr(0, text.find('/')));
  if (host.starts_with('[')) host = host.substr(1, host.find(']') - 1);
  unsigned char bytes[16];
  if (inet_pton(AF_INET6, host.c_str(), bytes) == 1) return true;
  if (host.ends_with('.')) host.pop_back();
  return is_number_label(std::string_view(host).substr(host.rfind('.') + 1));
}

}  // namespace

Result<Name, TargetProblem> read_name_target(std::string_view text, bool block) {
  if (is_address(text)) {
    return problem("E_SCOPE",
                   "an address, not a name (G4): addresses are shared; order the names, or use a routing instrument");
  }
  if (text.find_first_of("/?#") != std::string_view::npos || text.find("://") != std::string_view::npos) {
    return problem(
        "E_SCOPE",
        "a URL, not a name (G3): DNS and TLS show whole hosts only; a removal notice to the platform or host fits");
  }
  if (text.find('@') != std::string_view::npos) {
    return problem("E_SCOPE",
                   "an account, not a name (G3): DNS and TLS show whole hosts only; a notice to the platform fits");
  }
  if (text.find(':') != std::string_view::npos) {
    return problem("E_SCOPE", "a host with a port (G3): a name is blocked on every port; order the name alone");
  }
  auto name = canonical_name(text);
  if (!name.has_value()) return problem("", std::string(to_string(name.error())));
  if (block && is_public_suffix(name->text())) {
    return problem("G1", name->text() + " is a public suffix: unrelated parties hold the names below it");
  }
  if (block && is_above_public_suffix(name->text())) {
    return problem("G1", name->text() + " is above a public suffix: unrelated parties hold the names below it");
  }
  return *name;
}

}  // namespace sluice
