#include "control/ledger/target_lists.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "rules/sign/digest.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/order_json.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFewFiles = 8;  ///< up to here fsync of each is cheaper than syncfs
constexpr std::size_t kChunk = 256 << 10;

struct Fd {
  explicit Fd(int opened) : fd(opened) {}
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int fd;
};

std::unexpected<std::string> fail(const fs::path& path) {
  return std::unexpected(path.string() + ": " + std::strerror(errno));
}

bool write_all(int fd, const char* at, std::size_t left) {
  while (left > 0) {
    const ssize_t n = ::write(fd, at, left);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) {
      at += n;
      left -= static_cast<std::size_t>(n);
    }
  }
  return true;
}

fs::path temporary_of(const fs::path& file) {
  return file.parent_path() / ("." + file.filename().string() + ".new");
}

Result<void, std::string> copy_range(int from, std::uint64_t offset, std::uint64_t length, const fs::path& temporary,
                                     bool synced) {
  const Fd out(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (out.fd < 0) return fail(temporary);
  std::string chunk(kChunk, '\0');
  while (length > 0) {
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(length, kChunk));
    const ssize_t n = ::pread(from, chunk.data(), want, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;  // the bundle has shrunk
    if (n <= 0 || !write_all(out.fd, chunk.data(), static_cast<std::size_t>(n))) return fail(temporary);
    offset += static_cast<std::uint64_t>(n);
    length -= static_cast<std::uint64_t>(n);
  }
  if (synced && ::fsync(out.fd) != 0) return fail(temporary);
  return {};
}

Result<void, std::string> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return std::unexpected(folder.string() + ": " + error.message());
  return {};
}

Result<void, std::string> sync_folder(const fs::path& folder, bool whole_disk) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.fd < 0 || (whole_disk ? ::syncfs(fd.fd) : ::fsync(fd.fd)) != 0) return fail(folder);
  return {};
}

Result<std::string, std::string> read_range(const fs::path& file, std::uint64_t offset, std::uint64_t length) {
  const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.fd < 0) return fail(file);
  std::string bytes(length, '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pread(in.fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) return fail(file);
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

/// The canonical line of what a target line says, so that whoever asks for the name arrives at the same bytes.
std::string canonical_line(std::string_view line) {
  JsonDocument json;
  std::optional<Target> target;
  read_target_line(json, line, 1, target);
  return target ? target_line(*target) : std::string(line);
}

}  // namespace

std::string target_line(const Target& target) {
  std::string line;
  append_target_line(line, target);
  line.pop_back();
  return line;
}

std::string commitment_subject(std::string_view feed, std::string_view order, std::string_view line) {
  return std::string(feed).append("\n").append(order).append("\n").append(line);
}

void TargetLists::copy(const BundleOrder& order, bool hold) {
  copies_.push_back({order.sha256, order.offset, order.length, hold});
}

Result<TargetList, std::string> TargetLists::commit(const fs::path& bundle, const std::string& feed,
                                                    const BundleOrder& order, const PrivateFiles& secrets) {
  const auto lines = read_range(bundle, order.offset, order.length);
  if (!lines) return std::unexpected(lines.error());
  std::vector<std::string> commitments;
  commitments.reserve(order.targets);
  for (std::string_view rest = *lines; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    const std::string line = canonical_line(rest.substr(0, end));
    commitments.push_back(secrets.commitment(secrets.salt(commitment_subject(feed, order.id, line)), line));
    rest.remove_prefix(end + 1);
  }
  std::ranges::sort(commitments);
  std::string bytes;
  for (const std::string& commitment : commitments) bytes.append(commitment).append("\n");
  const std::string sha256 = to_hex(digests_of(bytes).sha256);
  made_.push_back({sha256, std::move(bytes)});
  return TargetList{order.targets, sha256, true};
}

Result<void, std::string> TargetLists::keep(const fs::path& bundle, const fs::path& shown, const fs::path& held) const {
  std::vector<const Copy*> missing;
  for (const Copy& copy : copies_) {
    if (!fs::exists((copy.hold ? held : shown) / copy.sha256)) missing.push_back(&copy);
  }
  for (const fs::path& folder : {shown, held}) {
    if (auto made = make_folder(folder); !made) return made;
  }
  for (const Made& made : made_) {
    if (fs::exists(shown / made.sha256)) continue;
    if (auto kept = keep_file(shown / made.sha256, made.bytes); !kept) return kept;
  }
  if (missing.empty()) return {};
  const Fd in(::open(bundle.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.fd < 0) return fail(bundle);
  // A list has its name only once its bytes are on the disk: what is there by name is never written again.
  const bool many = missing.size() > kFewFiles;
  const auto place = [&](const Copy& copy) { return (copy.hold ? held : shown) / copy.sha256; };
  for (const Copy* copy : missing) {
    auto copied = copy_range(in.fd, copy->offset, copy->length, temporary_of(place(*copy)), !many);
    if (!copied) return copied;
  }
  if (many) {
    if (auto synced = sync_folder(shown, true); !synced) return synced;
  }
  for (const Copy* copy : missing) {
    const fs::path to = place(*copy);
    if (::rename(temporary_of(to).c_str(), to.c_str()) != 0 && !fs::exists(to)) return fail(to);
  }
  for (const fs::path& folder : {shown, held}) {
    if (auto synced = sync_folder(folder, false); !synced) return synced;
  }
  return {};
}

Result<void, std::string> show_list(const std::string& sha256, const fs::path& held, const fs::path& shown) {
  if (auto made = make_folder(shown); !made) return made;
  if (!fs::exists(shown / sha256) && ::rename((held / sha256).c_str(), (shown / sha256).c_str()) != 0) {
    return fail(held / sha256);
  }
  return sync_folder(shown, false);
}

}  // namespace sluice
