#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "rules/sign/minisign.h"
#include "rules/sign/minisign_lines.h"

namespace sluice {
namespace {

// The decoded line 2 of a .key file:
//   "Ed" | kdf "Sc" or 0 0 | "B2" | salt[32] | operations[8] | memory[8] | number[8] key[64] checksum[32]
// numbers little end first; the last 104 bytes XORed with the scrypt stream where kdf is "Sc"; the checksum is
// BLAKE2b-256("Ed" | number | key), or zeros in a key without password.
constexpr std::size_t kKdfAt = 2, kChecksumKindAt = 4, kSaltAt = 6, kOperationsAt = 38, kMemoryAt = 46, kNumberAt = 54;
constexpr std::size_t kKeyAt = 62, kChecksumAt = 126, kBlobBytes = 158;
constexpr std::size_t kSecretBytes = kBlobBytes - kNumberAt;
constexpr std::size_t kSaltBytes = crypto_pwhash_scryptsalsa208sha256_SALTBYTES;
static_assert(kOperationsAt - kSaltAt == kSaltBytes);

/// Wiped when it goes.
struct Blob : std::array<std::uint8_t, kBlobBytes> {
  Blob() : array{} {}
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;
  ~Blob() { sodium_memzero(data(), size()); }
};

std::uint64_t load_le64(const std::uint8_t* p) noexcept {
  std::uint64_t out = 0;
  for (int i = 7; i >= 0; --i) out = (out << 8) | p[i];
  return out;
}
void store_le64(std::uint8_t* p, std::uint64_t v) noexcept {
  for (int i = 0; i < 8; ++i, v >>= 8) p[i] = static_cast<std::uint8_t>(v);
}

std::array<std::uint8_t, 32> checksum_of(const Blob& blob) {
  std::array<std::uint8_t, 2 + 8 + 64> message{};
  std::copy_n(blob.begin(), 2, message.begin());
  std::copy_n(blob.begin() + kNumberAt, 8 + 64, message.begin() + 2);
  std::array<std::uint8_t, 32> out{};
  crypto_generichash(out.data(), out.size(), message.data(), message.size(), nullptr, 0);
  sodium_memzero(message.data(), message.size());
  return out;
}

/// Encrypts or decrypts the secret part in place.
Result<void, MinisignError> apply_password(Blob& blob, std::string_view password) {
  const std::uint64_t operations = load_le64(&blob[kOperationsAt]);
  const std::uint64_t memory = load_le64(&blob[kMemoryAt]);
  const PasswordCost most;
  if (operations > most.operations || memory > most.memory_bytes) return std::unexpected(MinisignError::TooCostly);
  std::array<std::uint8_t, kSecretBytes> stream{};
  if (crypto_pwhash_scryptsalsa208sha256(stream.data(), stream.size(), password.data(), password.size(), &blob[kSaltAt],
                                         operations, static_cast<std::size_t>(memory)) != 0) {
    return std::unexpected(MinisignError::TooCostly);
  }
  for (std::size_t i = 0; i < stream.size(); ++i) blob[kNumberAt + i] ^= stream[i];
  sodium_memzero(stream.data(), stream.size());
  return {};
}

}  // namespace

MinisignSecretKey generate_minisign_key() {
  if (sodium_init() < 0) std::abort();  // no source of randomness
  MinisignSecretKey out;
  std::array<std::uint8_t, 32> public_key{};
  randombytes_buf(out.number.data(), out.number.size());
  crypto_sign_keypair(public_key.data(), out.key.data());
  return out;
}

Result<MinisignSecretKey, MinisignError> read_secret_key(std::string_view file_text,
                                                         std::optional<std::string_view> password) {
  const auto lines = minisign_lines(file_text, 2);
  Blob blob;
  if (!lines || !from_base64((*lines)[1], blob.data(), blob.size())) return std::unexpected(MinisignError::Malformed);
  const bool encrypted = std::memcmp(&blob[kKdfAt], "Sc", 2) == 0;
  const bool plain = blob[kKdfAt] == 0 && blob[kKdfAt + 1] == 0;
  if (std::memcmp(blob.data(), "Ed", 2) != 0 || std::memcmp(&blob[kChecksumKindAt], "B2", 2) != 0 ||
      (!encrypted && !plain)) {
    return std::unexpected(MinisignError::Malformed);
  }
  if (encrypted) {
    if (!password) return std::unexpected(MinisignError::NeedsPassword);
    if (const auto done = apply_password(blob, *password); !done.has_value()) return std::unexpected(done.error());
  }
  const auto checksum = checksum_of(blob);
  const bool zero = sodium_is_zero(&blob[kChecksumAt], checksum.size()) == 1;
  if (!(plain && zero) && sodium_memcmp(&blob[kChecksumAt], checksum.data(), checksum.size()) != 0) {
    return std::unexpected(encrypted ? MinisignError::WrongPassword : MinisignError::Malformed);
  }
  MinisignSecretKey out;
  std::copy_n(blob.begin() + kNumberAt, out.number.size(), out.number.begin());
  std::copy_n(blob.begin() + kKeyAt, out.key.size(), out.key.begin());
  return out;
}

Result<std::string, MinisignError> write_secret_key(const MinisignSecretKey& key,
                                                    std::optional<std::string_view> password,
                                                    const PasswordCost& cost) {
  Blob blob;
  std::memcpy(blob.data(), "Ed", 2);
  std::memcpy(&blob[kChecksumKindAt], "B2", 2);
  std::ranges::copy(key.number, blob.begin() + kNumberAt);
  std::ranges::copy(key.key, blob.begin() + kKeyAt);
  if (password) {
    std::ranges::copy(checksum_of(blob), blob.begin() + kChecksumAt);
    std::memcpy(&blob[kKdfAt], "Sc", 2);
    randombytes_buf(&blob[kSaltAt], kSaltBytes);
    store_le64(&blob[kOperationsAt], cost.operations);
    store_le64(&blob[kMemoryAt], cost.memory_bytes);
    if (const auto done = apply_password(blob, *password); !done.has_value()) return std::unexpected(done.error());
  }
  return std::string(kUntrusted) + "minisign " + (password ? "encrypted " : "") + "secret key\n" + base64_of(blob) +
         '\n';
}

}  // namespace sluice
