#include "dataplane/base/wire_name.h"

namespace sluice {
namespace {

constexpr bool is_dotted_quad(std::string_view text) noexcept {
  unsigned dots = 0;
  for (const char c : text) {
    if (c == '.') {
      ++dots;
    } else if (c < '0' || c > '9') {
      return false;
    }
  }
  return dots == 3;
}

}  // namespace

Cause assign_text_name(WireName& out, std::string_view text) noexcept {
  out.length = 0;
  if (text.empty()) return Cause::NameInvalid;
  if (text.front() == '[' || text.find(':') != std::string_view::npos) return Cause::NameIsAddress;
  if (text.back() == '.') text.remove_suffix(1);
  if (text.empty() || text.size() > WireName::kMaxBytes) return Cause::NameInvalid;

  char* to = out.data();
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label == 0) return Cause::NameInvalid;
      label = 0;
      *to++ = '.';
      continue;
    }
    const char folded = kCanonicalByte[static_cast<unsigned char>(c)];
    if (folded == 0 || ++label > 63) return Cause::NameInvalid;
    *to++ = folded;
  }
  if (label == 0) return Cause::NameInvalid;
  if (is_dotted_quad(text)) return Cause::NameIsAddress;
  out.length = static_cast<std::uint16_t>(text.size());
  return Cause::None;
}

}  // namespace sluice
