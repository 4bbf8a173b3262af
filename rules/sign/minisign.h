#pragma once

#include <sodium.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"
#include "rules/model/root.h"
#include "rules/sign/digest.h"

namespace sluice {

/// minisign files (jedisct1.github.io/minisign), read and written with libsodium, interoperable with the program:
/// prehashed signatures ("ED") only. All keys and signatures are texts of two or four lines.
enum class MinisignError : std::uint8_t {
  Malformed,      ///< not a file of that kind
  Legacy,         ///< a signature that is not prehashed
  NeedsPassword,  ///< the secret key is encrypted
  WrongPassword,  ///< its checksum does not fit
  TooCostly,      ///< asks for more memory or work than minisign itself ever does, or than there is
};
[[nodiscard]] std::string_view to_string(MinisignError error) noexcept;

inline constexpr std::size_t kMaxMinisignBytes = 16 * 1024;  ///< of a key or signature file
inline constexpr std::size_t kMaxTrustedCommentBytes = 8 * 1024;

/// A secret key in memory, wiped when it goes.
struct MinisignSecretKey {
  std::array<std::uint8_t, 8> number{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> key{};

  MinisignSecretKey() = default;
  MinisignSecretKey(const MinisignSecretKey&) = default;
  MinisignSecretKey& operator=(const MinisignSecretKey&) = default;
  ~MinisignSecretKey() { sodium_memzero(key.data(), key.size()); }
};

struct MinisignSignature {
  std::array<std::uint8_t, 8> number{};  ///< which key claims to have made it
  std::array<std::uint8_t, 64> signature{};
  std::string trusted_comment;
  std::array<std::uint8_t, 64> global{};  ///< over signature | trusted comment
};

/// Work of the password function. Defaults are those of minisign: 1 GiB and some seconds.
struct PasswordCost {
  std::uint64_t operations = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE;
  std::uint64_t memory_bytes = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;
};

/// A new key from the system's randomness.
[[nodiscard]] MinisignSecretKey generate_minisign_key();
[[nodiscard]] MinisignPublicKey public_key_of(const MinisignSecretKey& secret);

/// A .pub file (its two lines).
[[nodiscard]] Result<MinisignPublicKey, MinisignError> read_public_key(std::string_view file_text);
[[nodiscard]] std::string write_public_key(const MinisignPublicKey& key);

/// A .key file; `password` is used only where the key is encrypted. NeedsPassword where it is and none was given.
[[nodiscard]] Result<MinisignSecretKey, MinisignError> read_secret_key(std::string_view file_text,
                                                                       std::optional<std::string_view> password);
/// Without a password: readable by whoever reads the file, as `minisign -G -W` writes it. TooCostly where memory for
/// the password function cannot be had.
[[nodiscard]] Result<std::string, MinisignError> write_secret_key(const MinisignSecretKey& key,
                                                                  std::optional<std::string_view> password,
                                                                  const PasswordCost& cost = {});

/// A .minisig file (its four lines).
[[nodiscard]] Result<MinisignSignature, MinisignError> read_signature(std::string_view file_text);
[[nodiscard]] std::string write_signature(const MinisignSignature& signature);

/// `trusted_comment`: one line, at most kMaxTrustedCommentBytes.
[[nodiscard]] MinisignSignature sign(const MinisignSecretKey& key, const Blake2b512& digest,
                                     std::string trusted_comment);
/// True where `key` made `signature` over a file of that digest, and its trusted comment is the one that was signed.
[[nodiscard]] bool verify(const MinisignPublicKey& key, const Blake2b512& digest, const MinisignSignature& signature);

}  // namespace sluice
