#include "control/ledger/log_key.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "rules/text/small_file.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxKeyBytes = 1024;

/// The whole of it on the disk, or false with errno.
bool write_synced(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(fd) == 0;
}

bool sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  return synced;
}

}  // namespace

Result<NoteSigner, std::string> read_log_key(const std::filesystem::path& file) {
  const auto text = read_regular_file(file.string(), kMaxKeyBytes);
  if (!text) return std::unexpected(file.string() + ": " + text.error());
  const std::string line = text->substr(0, text->find('\n'));
  auto signer = parse_signer(line);
  if (!signer) return std::unexpected(file.string() + ": " + std::string(to_string(signer.error())));
  return *std::move(signer);
}

Result<NoteSigner, std::string> make_log_key(const std::filesystem::path& file, const std::string& origin) {
  if (!is_note_name(origin)) return std::unexpected("\"" + origin + "\" cannot name a log");
  std::array<std::uint8_t, 32> seed;
  randombytes_buf(seed.data(), seed.size());
  NoteSigner signer = make_signer(origin, seed);
  sodium_memzero(seed.data(), seed.size());
  const auto fail = [&] { return std::unexpected(file.string() + ": " + std::strerror(errno)); };
  // Whole under another name first: a key that was cut short would be found at the next start, and stay.
  const std::string temporary = file.string() + ".new";
  (void)::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return fail();
  const bool written = write_synced(fd, signer.text() + "\n");
  ::close(fd);
  if (!written || ::link(temporary.c_str(), file.c_str()) != 0) return fail();
  (void)::unlink(temporary.c_str());
  if (!sync_folder(std::filesystem::absolute(file).parent_path())) return fail();
  return signer;
}

}  // namespace sluice
