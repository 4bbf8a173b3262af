#include "rules/sign/minisign.h"

#include <algorithm>
#include <vector>

#include "rules/sign/minisign_lines.h"

namespace sluice {

std::optional<std::vector<std::string_view>> minisign_lines(std::string_view text, std::size_t count) {
  if (text.size() > kMaxMinisignBytes) return std::nullopt;
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < count) {
    const std::size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
  if (lines.size() != count || !text.empty() || !lines[0].starts_with(kUntrusted)) return std::nullopt;
  return lines;
}

bool from_base64(std::string_view base64, std::uint8_t* out, std::size_t bytes) {
  std::size_t length = 0;
  return sodium_base642bin(out, bytes, base64.data(), base64.size(), nullptr, &length, nullptr,
                           sodium_base64_VARIANT_ORIGINAL) == 0 &&
         length == bytes;
}

std::string base64_of(Bytes bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

namespace {

constexpr std::string_view kTrusted = "trusted comment: ";
constexpr std::size_t kSignatureBlobBytes = 2 + 8 + 64;

std::vector<std::uint8_t> signature_and_comment(const MinisignSignature& signature) {
  std::vector<std::uint8_t> out(signature.signature.begin(), signature.signature.end());
  out.insert(out.end(), signature.trusted_comment.begin(), signature.trusted_comment.end());
  return out;
}

}  // namespace

std::string_view to_string(MinisignError error) noexcept {
  switch (error) {
    case MinisignError::Malformed: return "not a minisign file";
    case MinisignError::Legacy: return "a legacy signature, not prehashed: sign with minisign -H";
    case MinisignError::NeedsPassword: return "the secret key needs a password";
    case MinisignError::WrongPassword: return "wrong password, or a damaged secret key";
    case MinisignError::TooCostly: return "the password function needs more memory than there is";
  }
  return "?";
}

MinisignPublicKey public_key_of(const MinisignSecretKey& secret) {
  MinisignPublicKey out;
  out.number = secret.number;
  crypto_sign_ed25519_sk_to_pk(out.key.data(), secret.key.data());
  return out;
}

Result<MinisignPublicKey, MinisignError> read_public_key(std::string_view file_text) {
  const auto lines = minisign_lines(file_text, 2);
  if (!lines) return std::unexpected(MinisignError::Malformed);
  const auto key = minisign_public_key((*lines)[1]);
  if (!key) return std::unexpected(MinisignError::Malformed);
  return *key;
}

std::string write_public_key(const MinisignPublicKey& key) {
  return std::string(kUntrusted) + "minisign public key " + key_id(key.number) + '\n' + to_base64(key) + '\n';
}

Result<MinisignSignature, MinisignError> read_signature(std::string_view file_text) {
  const auto lines = minisign_lines(file_text, 4);
  if (!lines || !(*lines)[2].starts_with(kTrusted)) return std::unexpected(MinisignError::Malformed);
  std::array<std::uint8_t, kSignatureBlobBytes> blob{};
  MinisignSignature out;
  if (!from_base64((*lines)[1], blob.data(), blob.size()) || !from_base64((*lines)[3], out.global.data(), 64)) {
    return std::unexpected(MinisignError::Malformed);
  }
  if (blob[0] == 'E' && blob[1] == 'd') return std::unexpected(MinisignError::Legacy);
  if (blob[0] != 'E' || blob[1] != 'D') return std::unexpected(MinisignError::Malformed);
  std::copy_n(blob.begin() + 2, out.number.size(), out.number.begin());
  std::copy_n(blob.begin() + 10, out.signature.size(), out.signature.begin());
  out.trusted_comment = (*lines)[2].substr(kTrusted.size());
  if (out.trusted_comment.size() > kMaxTrustedCommentBytes) return std::unexpected(MinisignError::Malformed);
  return out;
}

std::string write_signature(const MinisignSignature& signature) {
  std::array<std::uint8_t, kSignatureBlobBytes> blob{'E', 'D'};
  std::ranges::copy(signature.number, blob.begin() + 2);
  std::ranges::copy(signature.signature, blob.begin() + 10);
  std::string out(kUntrusted);
  out += "signature from key " + key_id(signature.number) + '\n' + base64_of(blob) + '\n';
  out += std::string(kTrusted) + signature.trusted_comment + '\n' + base64_of(signature.global) + '\n';
  return out;
}

MinisignSignature sign(const MinisignSecretKey& key, const Blake2b512& digest, std::string trusted_comment) {
  MinisignSignature out;
  out.number = key.number;
  out.trusted_comment = std::move(trusted_comment);
  crypto_sign_detached(out.signature.data(), nullptr, digest.data(), digest.size(), key.key.data());
  const auto message = signature_and_comment(out);
  crypto_sign_detached(out.global.data(), nullptr, message.data(), message.size(), key.key.data());
  return out;
}

bool verify(const MinisignPublicKey& key, const Blake2b512& digest, const MinisignSignature& signature) {
  if (key.number != signature.number) return false;
  const auto message = signature_and_comment(signature);
  return crypto_sign_verify_detached(signature.signature.data(), digest.data(), digest.size(), key.key.data()) == 0 &&
         crypto_sign_verify_detached(signature.global.data(), message.data(), message.size(), key.key.data()) == 0;
}

}  // namespace sluice
