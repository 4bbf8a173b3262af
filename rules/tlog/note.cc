#include "rules/tlog/note.h"

#include <sodium.h>

#include <charconv>
#include <cstring>
#include <optional>

namespace sluice {
namespace {

constexpr std::uint8_t kEd25519 = 0x01;
constexpr std::string_view kDash = "\xe2\x80\x94 ";  // em dash and space, before every signature line
constexpr std::string_view kPrivate = "PRIVATE+KEY+";
constexpr std::size_t kMaxNoteBytes = 1 << 20;
constexpr std::size_t kMaxNameBytes = 255;

std::string base64(std::span<const std::uint8_t> bytes) {
  std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // the terminator
  return out;
}

/// Exactly N bytes, or nothing.
template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> from_base64(std::string_view text) {
  std::array<std::uint8_t, N> out;
  std::size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(out.data(), N, text.data(), text.size(), nullptr, &length, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      length != N || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return out;
}

/// Takes a line off the front; nothing where there is no newline.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

bool has_control(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return true;
  }
  return false;
}

std::string hex_id(const NoteVerifier& who) {
  std::array<char, 9> hex;
  sodium_bin2hex(hex.data(), hex.size(), who.id.data(), who.id.size());
  return hex.data();
}

}  // namespace

std::string_view to_string(NoteError error) noexcept {
  switch (error) {
    case NoteError::Malformed: return "not a signed note";
    case NoteError::UnknownKey: return "no signature of the key asked for";
    case NoteError::BadSignature: return "the signature does not verify";
    case NoteError::BadKey: return "not a verifier key";
  }
  return "?";
}

NoteVerifier make_verifier(std::string name, const std::array<std::uint8_t, 32>& key) {
  NoteVerifier who{std::move(name), {}, key};
  std::array<std::uint8_t, 32> hash;
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, reinterpret_cast<const std::uint8_t*>(who.name.data()), who.name.size());
  constexpr std::array<std::uint8_t, 2> kMiddle{'\n', kEd25519};
  crypto_hash_sha256_update(&state, kMiddle.data(), kMiddle.size());
  crypto_hash_sha256_update(&state, key.data(), key.size());
  crypto_hash_sha256_final(&state, hash.data());
  std::memcpy(who.id.data(), hash.data(), who.id.size());
  return who;
}

std::string NoteVerifier::text() const {
  std::array<std::uint8_t, 33> typed;
  typed[0] = kEd25519;
  std::memcpy(typed.data() + 1, key.data(), key.size());
  return name + "+" + hex_id(*this) + "+" + base64(typed);
}

Result<NoteVerifier, NoteError> parse_verifier(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return std::unexpected(NoteError::BadKey);
  const auto typed = from_base64<33>(text.substr(second + 1));
  if (!is_note_name(text.substr(0, first)) || !typed || (*typed)[0] != kEd25519)
    return std::unexpected(NoteError::BadKey);
  std::array<std::uint8_t, 32> key;
  std::memcpy(key.data(), typed->data() + 1, key.size());
  NoteVerifier who = make_verifier(std::string(text.substr(0, first)), key);
  if (who.text() != text) return std::unexpected(NoteError::BadKey);
  return who;
}

bool is_note_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxNameBytes && !has_control(name) &&
         name.find_first_of("+ \n\x7f") == std::string_view::npos;
}

NoteSigner make_signer(std::string name, const std::array<std::uint8_t, 32>& seed) {
  NoteSigner signer;
  std::array<std::uint8_t, 32> key;
  crypto_sign_seed_keypair(key.data(), signer.secret.data(), seed.data());
  signer.who = make_verifier(std::move(name), key);
  return signer;
}

std::string NoteSigner::text() const {
  std::array<std::uint8_t, 33> typed;
  typed[0] = kEd25519;
  std::memcpy(typed.data() + 1, secret.data(), 32);
  return std::string(kPrivate) + who.name + "+" + hex_id(who) + "+" + base64(typed);
}

Result<NoteSigner, NoteError> parse_signer(std::string_view text) {
  if (!text.starts_with(kPrivate)) return std::unexpected(NoteError::BadKey);
  const std::string_view rest = text.substr(kPrivate.size());
  const std::string_view name = rest.substr(0, rest.find('+'));
  const std::size_t second = rest.find('+', name.size() + 1);  // base64 may hold more of them
  if (second == std::string_view::npos) return std::unexpected(NoteError::BadKey);
  const auto typed = from_base64<33>(rest.substr(second + 1));
  if (!is_note_name(name) || !typed || (*typed)[0] != kEd25519) return std::unexpected(NoteError::BadKey);
  std::array<std::uint8_t, 32> seed;
  std::memcpy(seed.data(), typed->data() + 1, seed.size());
  NoteSigner signer = make_signer(std::string(name), seed);
  if (signer.text() != text) return std::unexpected(NoteError::BadKey);
  return signer;
}

std::string sign_note(std::string_view text, const NoteVerifier& who, const std::array<std::uint8_t, 64>& secret) {
  std::array<std::uint8_t, 68> line;
  std::memcpy(line.data(), who.id.data(), who.id.size());
  crypto_sign_detached(line.data() + 4, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                       secret.data());
  return std::string(text) + "\n" + std::string(kDash) + who.name + " " + base64(line) + "\n";
}

Result<std::string, NoteError> open_note(std::string_view note, const NoteVerifier& who) {
  if (note.size() > kMaxNoteBytes || has_control(note)) return std::unexpected(NoteError::Malformed);
  const std::size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos) return std::unexpected(NoteError::Malformed);
  const std::string_view text = note.substr(0, blank + 1);
  std::string_view lines = note.substr(blank + 2);
  if (lines.empty()) return std::unexpected(NoteError::Malformed);
  bool verified = false;
  while (!lines.empty()) {
    const auto line = take_line(lines);
    if (!line || !line->starts_with(kDash)) return std::unexpected(NoteError::Malformed);
    const std::string_view fields = line->substr(kDash.size());
    const std::size_t space = fields.find(' ');
    if (space == std::string_view::npos || !is_note_name(fields.substr(0, space))) {
      return std::unexpected(NoteError::Malformed);
    }
    if (fields.substr(0, space) != who.name) continue;
    const auto signature = from_base64<68>(fields.substr(space + 1));
    if (!signature || !std::equal(who.id.begin(), who.id.end(), signature->begin())) continue;
    if (crypto_sign_verify_detached(signature->data() + 4, reinterpret_cast<const std::uint8_t*>(text.data()),
                                    text.size(), who.key.data()) != 0) {
      return std::unexpected(NoteError::BadSignature);
    }
    verified = true;
  }
  if (!verified) return std::unexpected(NoteError::UnknownKey);
  return std::string(text);
}

std::string to_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + base64(checkpoint.root) + "\n";
}

Result<Checkpoint, NoteError> parse_checkpoint(std::string_view text) {
  const auto origin = take_line(text);
  const auto size = take_line(text);
  const auto root = take_line(text);
  if (!origin || origin->empty() || !size || !root) return std::unexpected(NoteError::Malformed);
  Checkpoint out;
  out.origin = *origin;
  const auto number = std::from_chars(size->data(), size->data() + size->size(), out.size);
  const bool plain = number.ec == std::errc() && number.ptr == size->data() + size->size() &&
                     (*size == "0" || !size->starts_with('0'));
  const auto hash = from_base64<32>(*root);
  if (!plain || !hash) return std::unexpected(NoteError::Malformed);
  out.root = *hash;
  return out;
}

}  // namespace sluice
