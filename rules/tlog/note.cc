#include "rules/tlog/note.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "rules/tlog/note_lines.h"

namespace sluice {
namespace {

constexpr std::uint8_t kEd25519 = 0x01;
constexpr std::uint8_t kCosignature = 0x04;
constexpr std::string_view kDash = "\xe2\x80\x94 ";  // em dash and space, before every signature line
constexpr std::string_view kPrivate = "PRIVATE+KEY+";
constexpr std::size_t kMaxNoteBytes = 1 << 20;
constexpr std::size_t kMaxNameBytes = 255;

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

namespace {

NoteVerifier typed_verifier(std::string name, const std::array<std::uint8_t, 32>& key, std::uint8_t type) {
  NoteVerifier who{std::move(name), {}, key};
  std::array<std::uint8_t, 32> hash;
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, reinterpret_cast<const std::uint8_t*>(who.name.data()), who.name.size());
  const std::array<std::uint8_t, 2> middle{'\n', type};
  crypto_hash_sha256_update(&state, middle.data(), middle.size());
  crypto_hash_sha256_update(&state, key.data(), key.size());
  crypto_hash_sha256_final(&state, hash.data());
  std::memcpy(who.id.data(), hash.data(), who.id.size());
  return who;
}

std::string verifier_text(const NoteVerifier& who, std::uint8_t type) {
  std::array<std::uint8_t, 33> typed;
  typed[0] = type;
  std::memcpy(typed.data() + 1, who.key.data(), who.key.size());
  return who.name + "+" + hex_id(who) + "+" + to_base64(typed);
}

Result<NoteVerifier, NoteError> parse_typed(std::string_view text, std::uint8_t type) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return std::unexpected(NoteError::BadKey);
  const auto typed = from_base64<33>(text.substr(second + 1));
  if (!is_note_name(text.substr(0, first)) || !typed || (*typed)[0] != type) return std::unexpected(NoteError::BadKey);
  std::array<std::uint8_t, 32> key;
  std::memcpy(key.data(), typed->data() + 1, key.size());
  NoteVerifier who = typed_verifier(std::string(text.substr(0, first)), key, type);
  if (verifier_text(who, type) != text) return std::unexpected(NoteError::BadKey);
  return who;
}

/// What a witness signs (C2SP tlog-cosignature).
std::string cosigned_message(std::string_view text, std::uint64_t time) {
  return "cosignature/v1\ntime " + std::to_string(time) + "\n" + std::string(text);
}

}  // namespace

NoteVerifier make_verifier(std::string name, const std::array<std::uint8_t, 32>& key) {
  return typed_verifier(std::move(name), key, kEd25519);
}
NoteVerifier make_cosigner(std::string name, const std::array<std::uint8_t, 32>& key) {
  return typed_verifier(std::move(name), key, kCosignature);
}
std::string NoteVerifier::text() const {
  return verifier_text(*this, kEd25519);
}
std::string cosigner_text(const NoteVerifier& cosigner) {
  return verifier_text(cosigner, kCosignature);
}
Result<NoteVerifier, NoteError> parse_verifier(std::string_view text) {
  return parse_typed(text, kEd25519);
}
Result<NoteVerifier, NoteError> parse_cosigner(std::string_view text) {
  return parse_typed(text, kCosignature);
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
  return std::string(kPrivate) + who.name + "+" + hex_id(who) + "+" + to_base64(typed);
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
  return std::string(text) + "\n" + std::string(kDash) + who.name + " " + to_base64(line) + "\n";
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

std::string cosign(std::string_view note, const NoteVerifier& cosigner, const std::array<std::uint8_t, 64>& secret,
                   std::uint64_t time) {
  const std::string message = cosigned_message(note.substr(0, note.rfind("\n\n") + 1), time);
  std::array<std::uint8_t, 76> line;
  std::memcpy(line.data(), cosigner.id.data(), cosigner.id.size());
  store_be64(line.data() + 4, time);
  crypto_sign_detached(line.data() + 12, nullptr, reinterpret_cast<const std::uint8_t*>(message.data()), message.size(),
                       secret.data());
  return std::string(kDash) + cosigner.name + " " + to_base64(line) + "\n";
}

std::optional<std::uint64_t> cosignature_time(std::string_view note, const NoteVerifier& cosigner) {
  const std::size_t blank = note.rfind("\n\n");
  if (note.size() > kMaxNoteBytes || blank == std::string_view::npos) return std::nullopt;
  std::string_view lines = note.substr(blank + 2);
  const std::string prefix = std::string(kDash) + cosigner.name + " ";
  while (const auto line = take_line(lines)) {
    if (!line->starts_with(prefix)) continue;
    const auto signature = from_base64<76>(line->substr(prefix.size()));
    if (!signature || !std::equal(cosigner.id.begin(), cosigner.id.end(), signature->begin())) continue;
    const std::uint64_t time = load_be64(signature->data() + 4);
    const std::string message = cosigned_message(note.substr(0, blank + 1), time);
    if (crypto_sign_verify_detached(signature->data() + 12, reinterpret_cast<const std::uint8_t*>(message.data()),
                                    message.size(), cosigner.key.data()) == 0) {
      return time;
    }
  }
  return std::nullopt;
}

std::string to_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + to_base64(checkpoint.root) + "\n";
}

Result<Checkpoint, NoteError> parse_checkpoint(std::string_view text) {
  const auto origin = take_line(text);
  const auto size = take_line(text);
  const auto root = take_line(text);
  if (!origin || origin->empty() || !size || !root) return std::unexpected(NoteError::Malformed);
  Checkpoint out;
  out.origin = *origin;
  const auto number = plain_number(*size);
  const auto hash = from_base64<32>(*root);
  if (!number || !hash) return std::unexpected(NoteError::Malformed);
  out.size = *number;
  out.root = *hash;
  return out;
}

}  // namespace sluice
