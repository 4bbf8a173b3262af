#include "rules/compile/image_key.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "rules/compile/durable_file.h"

namespace sluice {
namespace {

using Seed = std::array<std::uint8_t, crypto_sign_SEEDBYTES>;
constexpr std::size_t kHexDigits = 2 * crypto_sign_SEEDBYTES;

std::optional<std::string> write_hex(const std::string& path, Bytes bytes, mode_t mode) {
  std::array<char, kHexDigits + 1> hex;
  sodium_bin2hex(hex.data(), hex.size(), bytes.data(), bytes.size());
  hex[kHexDigits] = '\n';
  auto error = write_new_file(path, {reinterpret_cast<const std::uint8_t*>(hex.data()), hex.size()}, mode);
  sodium_memzero(hex.data(), hex.size());
  return error;
}

std::string failure(const std::string& path, const char* what) {
  return path + ": " + what;
}

}  // namespace

Result<void, std::string> make_image_key(const std::string& secret_path, const std::string& public_path) {
  Seed seed;
  randombytes_buf(seed.data(), seed.size());
  Ed25519PublicKey open;
  Ed25519SecretKey secret;
  crypto_sign_seed_keypair(open.data(), secret.data(), seed.data());
  auto error = write_hex(secret_path, seed, 0600);
  if (!error) error = write_hex(public_path, open, 0644);
  sodium_memzero(seed.data(), seed.size());
  sodium_memzero(secret.data(), secret.size());
  if (error) return std::unexpected(std::move(*error));
  return {};
}

Result<Ed25519SecretKey, std::string> read_image_key(const std::string& secret_path) {
  const int fd = ::open(secret_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return std::unexpected(failure(secret_path, std::strerror(errno)));
  struct stat about{};
  std::array<char, kHexDigits + 2> text{};
  const bool known = ::fstat(fd, &about) == 0;
  const ssize_t n = ::read(fd, text.data(), text.size());
  ::close(fd);
  if (!known || n < 0) return std::unexpected(failure(secret_path, std::strerror(errno)));
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return std::unexpected(failure(secret_path, "others may read or write it (want mode 0600)"));
  }
  Seed seed;
  std::size_t bytes = 0;
  const bool length_fits = n == kHexDigits || (n == kHexDigits + 1 && text[kHexDigits] == '\n');
  if (!length_fits ||
      sodium_hex2bin(seed.data(), seed.size(), text.data(), kHexDigits, nullptr, &bytes, nullptr) != 0 ||
      bytes != seed.size()) {
    return std::unexpected(failure(secret_path, "not 64 hex digits"));
  }
  Ed25519PublicKey open;
  Ed25519SecretKey secret;
  crypto_sign_seed_keypair(open.data(), secret.data(), seed.data());
  sodium_memzero(seed.data(), seed.size());
  sodium_memzero(text.data(), text.size());
  return secret;
}

}  // namespace sluice
