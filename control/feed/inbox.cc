#include "control/feed/inbox.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "control/journal/journal.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBundleEnd = ".jsonl";
constexpr std::string_view kRootEnd = ".json";
constexpr std::string_view kSignatureEnd = ".minisig";

bool is_bundle(std::string_view name) {
  const auto ends = [&](std::string_view end) { return name.size() > end.size() && name.ends_with(end); };
  return (ends(kBundleEnd) || ends(kRootEnd)) && !name.starts_with('.');
}
bool is_signature_of(std::string_view name, std::string_view bundle) {
  return name.size() > bundle.size() + 1 && name.starts_with(bundle) && name[bundle.size()] == '.' &&
         name.ends_with(kSignatureEnd);
}

std::uint64_t mix(std::uint64_t h, std::uint64_t v) noexcept {
  h = (h ^ v) * 0x9e3779b97f4a7c15U;
  return h ^ (h >> 29);
}

/// Adds one file to an arrival's age and fingerprint; false where it is not a regular file (any more).
bool take_stat(const fs::path& path, Arrival& arrival) noexcept {
  struct stat st{};
  if (::lstat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
  const auto ns = [](const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  arrival.newest_ns = std::max({arrival.newest_ns, ns(st.st_mtim), ns(st.st_ctim)});
  for (const auto v : {static_cast<std::uint64_t>(st.st_ino), static_cast<std::uint64_t>(st.st_size),
                       static_cast<std::uint64_t>(ns(st.st_mtim))}) {
    arrival.fingerprint = mix(arrival.fingerprint, v);
  }
  return true;
}

/// True where the files are still the ones that were seen: the same inodes, sizes and times.
bool is_unchanged(const Arrival& arrival) noexcept {
  Arrival now;
  if (!take_stat(arrival.bundle, now)) return false;
  for (const fs::path& signature : arrival.signatures) (void)take_stat(signature, now);
  return now.fingerprint == arrival.fingerprint;
}

/// Keeps the newest `keep` bundles of a folder, with what belongs to them.
void prune(const fs::path& folder, std::size_t keep) {
  std::vector<std::pair<fs::file_time_type, std::string>> bundles;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    files.push_back(entry.path());
    if (is_bundle(entry.path().filename().string())) {
      bundles.emplace_back(entry.last_write_time(), entry.path().filename().string());
    }
  }
  if (bundles.size() <= keep) return;
  std::ranges::sort(bundles);
  bundles.resize(bundles.size() - keep);
  for (const auto& [time, bundle] : bundles) {
    for (const fs::path& file : files) {
      const std::string name = file.filename().string();
      if (name == bundle || name.starts_with(bundle + ".")) fs::remove(file);
    }
  }
}

/// A folder inside the inbox, made where it is missing; -1 where something else than a folder bears its name.
int open_subfolder(const fs::path& path) noexcept {
  (void)::mkdir(path.c_str(), 0755);
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/// A new file in place of any other, and never through a link that lies there.
void write_new(int folder, const std::string& name, const std::string& text) noexcept {
  (void)::unlinkat(folder, name.c_str(), 0);
  const int fd = ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return;
  (void)!::write(fd, text.data(), text.size());  // a word to the reader: nothing depends on it
  ::close(fd);
}

}  // namespace

Inbox::Inbox(fs::path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  fd_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "inotify");
  constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR;
  if (::inotify_add_watch(fd_, folder_.c_str(), kEvents) < 0) {
    const int error = errno;
    ::close(fd_);
    throw std::system_error(error, std::generic_category(), "watch " + folder_.string());
  }
  accepted_ = open_subfolder(folder_ / "accepted");
  rejected_ = open_subfolder(folder_ / "rejected");
}

Inbox::~Inbox() {
  for (const int fd : {fd_, accepted_, rejected_}) {
    if (fd >= 0) ::close(fd);
  }
}

bool Inbox::drain() noexcept {
  alignas(inotify_event) std::array<char, 4096> buffer;
  bool any = false;
  while (::read(fd_, buffer.data(), buffer.size()) > 0) any = true;
  return any;
}

std::vector<Arrival> Inbox::scan() const {
  std::vector<std::string> bundles;
  std::vector<std::string> signatures;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (is_bundle(name)) bundles.push_back(name);
    if (name.ends_with(kSignatureEnd) && !name.starts_with('.')) signatures.push_back(name);
  }
  std::ranges::sort(signatures);

  std::vector<Arrival> arrivals;
  for (const std::string& bundle : bundles) {
    Arrival arrival{folder_ / bundle, {}, 0, 0};
    if (!take_stat(arrival.bundle, arrival)) continue;
    for (auto it = std::ranges::lower_bound(signatures, bundle);
         it != signatures.end() && it->starts_with(bundle) && arrival.signatures.size() < kMaxSignatures; ++it) {
      if (is_signature_of(*it, bundle) && take_stat(folder_ / *it, arrival))
        arrival.signatures.push_back(folder_ / *it);
    }
    const auto done = settled_.find(bundle);
    if (done == settled_.end() || done->second != arrival.fingerprint) arrivals.push_back(std::move(arrival));
  }
  // Unsigned ones last: however many lie there, they keep nothing else waiting. Roots first: bundles may need them.
  std::ranges::sort(arrivals, {}, [](const Arrival& a) {
    return std::tuple(a.signatures.empty(), !a.is_root(), a.newest_ns, a.name());
  });
  if (arrivals.size() > kMaxArrivals) arrivals.resize(kMaxArrivals);
  return arrivals;
}

void Inbox::settle(const Arrival& arrival, Fate fate, const std::string& why) {
  if (!is_unchanged(arrival)) return;
  const int to = fate == Fate::Accepted ? accepted_ : rejected_;
  const auto move = [to](const fs::path& file) {
    return ::renameat(AT_FDCWD, file.c_str(), to, file.filename().c_str()) == 0;
  };
  // The bundle goes first: signatures alone do not count as an arrival.
  if (to < 0 || !move(arrival.bundle)) {
    if (settled_.size() >= kMaxArrivals) settled_.erase(settled_.begin());
    settled_[arrival.name()] = arrival.fingerprint;
    return;
  }
  settled_.erase(arrival.name());
  for (const fs::path& signature : arrival.signatures) (void)move(signature);
  if (fate == Fate::Rejected) write_new(to, arrival.name() + ".why", why + '\n');
  try {
    prune("/proc/self/fd/" + std::to_string(to), kKept);
  } catch (const fs::filesystem_error& e) {
    log(LogLevel::Warning, "old bundles stay for now", {{"detail", e.what()}});
  }
}

}  // namespace sluice
