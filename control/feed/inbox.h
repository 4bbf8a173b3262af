#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sluice {

/// A bundle, or a root (NAME.json), lying in the inbox with the signatures that have arrived for it so far.
struct Arrival {
  std::filesystem::path bundle;
  std::vector<std::filesystem::path> signatures;  ///< sorted; at most Inbox::kMaxSignatures
  std::int64_t newest_ns = 0;                     ///< latest change of any of the files, CLOCK_REALTIME
  std::uint64_t fingerprint = 0;                  ///< changes whenever one of the files does
  [[nodiscard]] std::string name() const { return bundle.filename().string(); }
  [[nodiscard]] bool is_root() const { return bundle.extension() == ".json"; }
};

/// The folder into which the authority puts NAME.jsonl (or NAME.json: a root) and NAME.jsonl.<KEYID>.minisig. Files are
/// told apart by name only here; nothing in them is trusted or read.
class Inbox {
 public:
  static constexpr std::size_t kMaxArrivals = 64;        ///< the rest waits its turn
  static constexpr std::size_t kMaxSignatures = 16;      ///< a bundle
  static constexpr std::size_t kKept = 32;               ///< bundles kept in accepted/ and in rejected/
  static constexpr std::int64_t kQuietNs = 500'000'000;  ///< files younger than this may still be growing

  /// Creates the folder, accepted/ and rejected/ where missing and starts to watch. Throws std::system_error.
  explicit Inbox(std::filesystem::path folder);
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Readable when something happened in the folder.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// Empties the queue of events; true where one of them (or an overflow of the queue) asks for a scan.
  bool drain() noexcept;

  /// What lies there now, signed ones first, then the oldest, without what settle() was told and could not be moved.
  /// Throws std::filesystem::filesystem_error.
  [[nodiscard]] std::vector<Arrival> scan() const;

  enum class Fate : std::uint8_t { Accepted, Rejected };
  /// Takes an arrival out of the way for good, unless its files have changed since (they are a new arrival then): moves
  /// its files to accepted/ or rejected/ (there with NAME.why, one line), or, where the folder does not let us,
  /// remembers its fingerprint, so that nothing is processed twice. Follows no link: whoever writes to the inbox cannot
  /// lead these writes out of it.
  void settle(const Arrival& arrival, Fate fate, const std::string& why);

 private:
  std::filesystem::path folder_;
  int fd_ = -1;
  /// Held open from the start: who may write to the inbox may put links in their place. -1: not folders.
  int accepted_ = -1, rejected_ = -1;
  std::map<std::string, std::uint64_t> settled_;  ///< bundle name → fingerprint, where moving failed
};

}  // namespace sluice
