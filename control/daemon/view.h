#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/stage/apply_state.h"
#include "control/store/store.h"
#include "control/verify/examine.h"
#include "dataplane/match/matcher.h"
#include "rules/model/order.h"

namespace sluice {

// What the threads of sluiced tell each other. Views never change once they are made: whoever has one may read it for
// as long as it likes, and the owner of the facts puts a new one in its place.

/// The latest of something, shared. Any thread.
template <class T>
class Latest {
 public:
  [[nodiscard]] std::shared_ptr<const T> get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  void set(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    const std::lock_guard lock(mutex_);
    value_ = std::move(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_ = std::make_shared<const T>();
};

/// A configured feed, and the snapshot of it that stands.
struct FeedView {
  std::string feed;
  FeedPolicy policy;
  std::optional<FeedState> state;  ///< nothing: no bundle was ever accepted
  SnapshotHeader header;
  std::vector<OrderView> orders;
  std::vector<GuardRefusal> refused = {};  ///< by the guards: one an order
};

/// A bundle in the inbox that does not count yet.
struct WaitingView {
  std::string bundle, code, detail;
};

/// Written by the intake thread.
struct RulesView {
  std::vector<FeedView> feeds;
  std::vector<WaitingView> waiting;
  std::string image_path;                ///< absolute; empty: none
  std::string image_sha256;              ///< 64 hex digits
  std::shared_ptr<const RuleSet> rules;  ///< of that very file; looked up by the loop thread alone
  ApplyState apply;                      ///< what the operator said of orders, and what is staged
};

/// Written by the data plane's watcher.
struct DataplaneView {
  bool enabled = false, reachable = false;
  bool runs_current = false;         ///< every worker runs the image of current.img
  std::string health;                ///< JSON as it answered; empty where it is out of reach
  std::uint64_t oldest_poll_us = 0;  ///< since the worker that is furthest behind last looked for packets
};

}  // namespace sluice
