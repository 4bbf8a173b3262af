#include "rules/model/name.h"

#include <idn2.h>
#include <unictype.h>
#include <unistr.h>

#include <algorithm>
#include <array>
#include <memory>

#include "rules/model/ascii.h"

namespace sluice {
namespace {

/// Longer input is refused unread: 253 bytes of A-labels come from far less, and libidn2 is not linear.
constexpr std::size_t kMaxInputBytes = 4096;

struct Idn2Free {
  void operator()(void* p) const noexcept { idn2_free(p); }
};
template <class T>
using Idn2Ptr = std::unique_ptr<T, Idn2Free>;

constexpr bool is_ascii(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x80;
}
constexpr bool is_name_byte(char c) noexcept {
  return is_lower(c) || is_upper(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
}
constexpr char lower(char c) noexcept {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

/// ASCII bytes must be ones that names are made of; what IDNA does to the others is judged afterwards.
Result<bool, NameError> has_only_name_bytes(std::string_view text) {
  bool ascii = true;
  for (const char c : text) {
    if (!is_ascii(c)) {
      ascii = false;
    } else if (c == '*') {
      return std::unexpected(NameError::Wildcard);
    } else if (!is_name_byte(c)) {
      return std::unexpected(NameError::BadCharacter);
    }
  }
  return ascii;
}

/// Labels of a name in A-label form.
Result<void, NameError> check_labels(std::string_view name) {
  bool too_long = false;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty()) return std::unexpected(NameError::EmptyLabel);
    too_long |= label.size() > kMaxLabelBytes;
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  if (too_long) return std::unexpected(NameError::LabelTooLong);
  return {};
}

bool has_a_label(std::string_view lower_name) {
  return lower_name.starts_with("xn--") || lower_name.find(".xn--") != std::string_view::npos;
}

NameError from_idn2(int code) noexcept {
  switch (code) {
    case IDN2_PUNYCODE_BIG_OUTPUT:
    case IDN2_TOO_BIG_LABEL: return NameError::LabelTooLong;
    case IDN2_TOO_BIG_DOMAIN: return NameError::TooLong;
    case IDN2_ENCODING_ERROR: return NameError::BadUtf8;
    default: return NameError::BadIdn;
  }
}

constexpr int kIdnaFlags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;

Result<std::string, NameError> to_a_labels(const std::string& name) {
  std::uint8_t* raw = nullptr;
  const int code = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(name.c_str()), &raw, kIdnaFlags);
  const Idn2Ptr<std::uint8_t> out(raw);
  if (code != IDN2_OK) return std::unexpected(from_idn2(code));
  return std::string(reinterpret_cast<const char*>(out.get()));
}

/// A-labels → U-labels, UTF-8.
Result<std::string, NameError> to_u_labels(const std::string& name) {
  char* raw = nullptr;
  const int code = idn2_to_unicode_8z8z(name.c_str(), &raw, 0);
  const Idn2Ptr<char> out(raw);
  if (code != IDN2_OK) return std::unexpected(from_idn2(code));
  return std::string(out.get());
}

Result<std::string, NameError> through_idna(std::string_view text) {
  if (u8_check(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) != nullptr) {
    return std::unexpected(NameError::BadUtf8);
  }
  auto mapped = to_a_labels(std::string(text));
  if (!mapped.has_value()) return mapped;
  // U+3002 and its like become dots, and a name of two labels would stand for one of three.
  if (std::ranges::count(*mapped, '.') != std::ranges::count(text, '.'))
    return std::unexpected(NameError::BadCharacter);
  for (char& c : *mapped) {
    if (!is_ascii(c) || !is_name_byte(c))
      return std::unexpected(c == '*' ? NameError::Wildcard : NameError::BadCharacter);
    c = lower(c);
  }
  const auto unicode = to_u_labels(*mapped);
  if (!unicode.has_value()) return std::unexpected(unicode.error());
  const auto again = to_a_labels(*unicode);
  if (!again.has_value() || *again != *mapped) return std::unexpected(NameError::BadIdn);
  return mapped;
}

// Scripts that one writing system uses together (UTS 39 5.1: Jpan, Kore, Hanb), as bits beside a script's
// own.
enum Writing : unsigned { kJapanese = 1, kKorean = 2, kHanb = 4 };
unsigned writings_of(std::string_view script) noexcept {
  if (script == "Han") return kJapanese | kKorean | kHanb;
  if (script == "Hiragana" || script == "Katakana") return kJapanese;
  if (script == "Hangul") return kKorean;
  return script == "Bopomofo" ? unsigned{kHanb} : 0U;
}

/// The scripts seen in one label so far.
struct ScriptsSeen {
  std::string_view first;
  unsigned writings = 0;
  bool mixed = false;

  void add(std::string_view script) noexcept {
    if (script == "Common" || script == "Inherited") return;
    if (first.empty()) {
      first = script;
      writings = writings_of(script);
    } else if (writings != 0) {
      writings &= writings_of(script);
      mixed |= writings == 0;
    } else {
      mixed |= script != first;
    }
  }
};

}  // namespace

std::string_view to_string(NameError error) noexcept {
  switch (error) {
    case NameError::Empty: return "empty name";
    case NameError::EmptyLabel: return "empty label";
    case NameError::LabelTooLong: return "label over 63 bytes";
    case NameError::TooLong: return "name over 253 bytes";
    case NameError::Wildcard: return "wildcard: say `scope: subtree`";
    case NameError::BadCharacter: return "not a letter, digit, hyphen or underscore";
    case NameError::BadUtf8: return "not UTF-8";
    case NameError::BadIdn: return "not a valid internationalised name";
  }
  return "?";
}

Result<Name, NameError> canonical_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty()) return std::unexpected(NameError::Empty);
  if (text.size() > kMaxInputBytes) return std::unexpected(NameError::TooLong);
  const auto ascii = has_only_name_bytes(text);
  if (!ascii.has_value()) return std::unexpected(ascii.error());
  if (text.starts_with('.') || text.ends_with('.') || text.find("..") != std::string_view::npos) {
    return std::unexpected(NameError::EmptyLabel);
  }

  std::string name(text);
  if (*ascii) std::ranges::transform(name, name.begin(), lower);
  if (!*ascii || has_a_label(name)) {
    auto mapped = through_idna(name);
    if (!mapped.has_value()) return std::unexpected(mapped.error());
    name = std::move(*mapped);
  }
  if (const auto labels = check_labels(name); !labels.has_value()) return std::unexpected(labels.error());
  if (name.size() > kMaxNameBytes) return std::unexpected(NameError::TooLong);
  return Name(std::move(name));
}

bool mixes_scripts(std::string_view utf8_name) {
  std::string name(utf8_name.substr(0, kMaxInputBytes));
  if (has_a_label(name)) {
    if (auto unicode = to_u_labels(name); unicode.has_value()) name = std::move(*unicode);
  }
  const auto* at = reinterpret_cast<const std::uint8_t*>(name.data());
  std::size_t left = name.size();
  ScriptsSeen seen;
  while (left > 0) {
    ucs4_t c = 0;
    const int n = u8_mbtoucr(&c, at, left);
    if (n <= 0) return seen.mixed;
    at += n;
    left -= static_cast<std::size_t>(n);
    if (c == '.') {
      seen = {};
      continue;
    }
    const uc_script_t* script = uc_script(c);
    if (script != nullptr) seen.add(script->name);
    if (seen.mixed) return true;
  }
  return false;
}

}  // namespace sluice
