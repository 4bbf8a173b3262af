#include "control/ledger/private_files.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "control/log/tiles.h"
#include "rules/sign/digest.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

std::string from_hex(std::string_view hex) {
  std::string bytes(hex.size() / 2, '\0');
  (void)sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), hex.data(), hex.size(), nullptr,
                       nullptr, nullptr);
  return bytes;
}

}  // namespace

Result<void, std::string> keep_file(const fs::path& file, std::string_view bytes) {
  const auto fail = [](const fs::path& path) { return std::unexpected(path.string() + ": " + std::strerror(errno)); };
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) return std::unexpected(file.parent_path().string() + ": " + error.message());
  const fs::path temporary = file.parent_path() / ("." + file.filename().string() + ".new");
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return fail(temporary);
  bool written = true;
  while (written && !bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    written = n >= 0 || errno == EINTR;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  written = written && ::fsync(fd) == 0;
  const int reason = errno;
  ::close(fd);
  errno = reason;
  if (!written || ::rename(temporary.c_str(), file.c_str()) != 0) return fail(file);
  const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return fail(file.parent_path());
  const bool synced = ::fsync(folder) == 0;
  ::close(folder);
  if (!synced) return fail(file.parent_path());
  return {};
}

PrivateFiles::PrivateFiles(fs::path folder, const NoteSigner& key) : folder_(std::move(folder)) {
  const std::string seed(reinterpret_cast<const char*>(key.secret.data()), 32);
  const Sha256 derived = digests_of("sluice/salts/1\n" + seed).sha256;
  salt_key_.assign(reinterpret_cast<const char*>(derived.data()), derived.size());
}

std::string PrivateFiles::salt(std::string_view text) const {
  std::array<std::uint8_t, crypto_auth_hmacsha256_BYTES> out;
  crypto_auth_hmacsha256(out.data(), reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                         reinterpret_cast<const std::uint8_t*>(salt_key_.data()));
  return to_hex(out);
}

std::string PrivateFiles::commitment(std::string_view salt_hex, std::string_view text) const {
  std::string salted = from_hex(salt_hex);
  salted += text;
  return to_hex(digests_of(salted).sha256);
}

Result<std::string, std::string> PrivateFiles::seal(const JsonValue& entry) const {
  const std::string text = canonical_json(entry);
  std::string sealed = commitment(salt(text), text);
  auto kept = keep_file(folder_ / "sealed" / sealed, text);
  if (!kept) return std::unexpected(kept.error());
  return sealed;
}

std::optional<JsonValue> PrivateFiles::unseal(std::string_view commitment) const {
  const auto text = read_regular_file((folder_ / "sealed" / commitment).string(), kMaxEntryBytes);
  if (!text) return {};
  auto entry = read_json(*text);
  if (!entry) return {};
  return *std::move(entry);
}

void PrivateFiles::forget(std::string_view commitment) const {
  std::error_code ignored;
  fs::remove(folder_ / "sealed" / commitment, ignored);
}

}  // namespace sluice
