#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/engine/slot_directory.h"
#include "dataplane/filter/pipeline.h"
#include "dataplane/match/matcher.h"

struct rte_rcu_qsbr;

namespace sluice {

/// Rules as the workers see them: immutable while anybody may read them.
struct LoadedRules {
  std::unique_ptr<RuleSet> rules;
  std::vector<std::uint32_t> slots;  ///< counter slot of each order
  UnixSeconds loaded = 0;
  [[nodiscard]] ActiveRules active() const noexcept { return {rules.get(), slots}; }
};

/// What health tells of the rules.
struct RulesHealth {
  struct FeedState {
    std::string feed;
    std::uint64_t epoch = 0, seq = 0;
    std::string sha256;
  };
  std::string sha256;  ///< empty: none loaded
  UnixSeconds loaded = 0;
  std::uint64_t orders = 0, names = 0, patterns = 0;
  std::vector<FeedState> feeds;
  std::uint64_t loads = 0, rejected = 0;
  std::string last_error;  ///< of the latest load; empty where it went well
  std::size_t waiting_release = 0;
};

/// Which rule image is in force. Images are loaded by one thread at a time and swapped by RCU: workers read the pointer
/// once a burst and report quiescence after it, without a lock. A swap waits until every worker runs the new image. An
/// image that a stalled worker may still read is kept, and never freed before that worker has moved on: at most
/// kMostWaiting of them, then loads are refused.
class RuleSwitch {
 public:
  static constexpr std::size_t kMostWaiting = 2;

  /// `key`: none means that every image is refused ("no-key"). `slots` outlives the switch. `grace`: how long load()
  /// waits for the workers; a live one passes in milliseconds.
  RuleSwitch(std::optional<Ed25519PublicKey> key, std::uint64_t most_bytes, unsigned workers, SlotDirectory& slots,
             std::chrono::milliseconds grace = std::chrono::seconds(2));
  /// The workers have left.
  ~RuleSwitch();
  RuleSwitch(const RuleSwitch&) = delete;
  RuleSwitch& operator=(const RuleSwitch&) = delete;

  /// Copies the file, checks the copy, swaps. Gives the image's hash once every worker runs it. Errors (the last good
  /// image stays in force): those of read_image_file(), to_string(ImageError), "no-key", "too-many-waiting"; and
  /// "worker-stalled": the new image is in force, but a worker has not moved on to it in time.
  Result<Sha256, std::string> load(const std::filesystem::path& path, UnixSeconds now);

  [[nodiscard]] RulesHealth health();

  // For workers.
  void join(unsigned worker) noexcept;
  [[nodiscard]] const LoadedRules* current() const noexcept { return current_.load(std::memory_order_acquire); }
  /// The worker holds no pointer from current() any more.
  void quiescent(unsigned worker) noexcept;
  void leave(unsigned worker) noexcept;

 private:
  struct Retired {
    std::unique_ptr<const LoadedRules> rules;
    std::uint64_t token;
  };

  Result<std::unique_ptr<LoadedRules>, std::string> open(const std::filesystem::path& path, UnixSeconds now);
  Result<Sha256, std::string> swap_in(std::unique_ptr<LoadedRules> fresh);
  bool passed(std::uint64_t token, bool patient) noexcept;
  void release_waiting();
  void note(const std::string& error);

  std::optional<Ed25519PublicKey> key_;
  std::uint64_t most_bytes_;
  unsigned workers_;
  SlotDirectory& slots_;
  std::chrono::milliseconds grace_;
  rte_rcu_qsbr* qsbr_;
  std::atomic<const LoadedRules*> current_{nullptr};

  std::mutex load_;   ///< one load at a time
  std::mutex state_;  ///< what health() reads; never held while waiting
  std::vector<Retired> waiting_;
  std::uint64_t loads_ = 0, rejected_ = 0;
  std::string last_error_;
};

}  // namespace sluice
