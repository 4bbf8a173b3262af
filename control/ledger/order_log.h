#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/ledger/book.h"
#include "control/ledger/bundle_orders.h"
#include "control/ledger/entry.h"
#include "control/ledger/private_files.h"
#include "control/log/log.h"
#include "dataplane/base/result.h"
#include "rules/model/order.h"

namespace sluice {

/// An order of a bundle that is not enforced here.
struct OrderRefusal {
  std::string order;
  std::string by;  ///< "guard" or "operator"
  std::string code, why;
};

/// A bundle, and what of it is enforced.
struct Enforced {
  SnapshotHeader header;
  std::string sha256;            ///< of the whole bundle file
  std::filesystem::path bundle;  ///< the snapshot, judged before and written to by nobody
  std::vector<OrderRefusal> refusals;
};

/// What it took to make the log say so.
struct Logged {
  std::uint64_t size = 0;  ///< of the log afterwards
  std::uint64_t orders = 0, targets = 0;
  std::vector<std::string> applied, changed, revoked, refused;  ///< order ids
};

/// The log of one gateway or one authority, with the target lists beside it:
///
///   FOLDER/checkpoint, FOLDER/tile/…     the log (control/log)
///   FOLDER/targets/SHA256                target lists by their hash
///
/// What is appended follows from what the log says already: so a call that is made again, after a crash say, adds
/// nothing twice and leaves nothing out. One process, one thread. Errors are one line; after one, the next call opens
/// the log again first, which settles what became of a half-made append.
class OrderLog {
 public:
  /// `secrets`: a folder for what is not public yet; made 0700.
  OrderLog(std::filesystem::path folder, std::filesystem::path secrets, NoteSigner key);

  /// Makes the log say that exactly this is enforced of its feed from now on. Durable when it returns. Nothing where
  /// the log speaks of a later bundle of the feed: it is ahead of what is kept, and never goes back.
  Result<Logged, std::string> enforce(const Enforced& what, UnixSeconds now);
  /// Appends entries as they are.
  Result<void, std::string> append(std::span<const JsonValue> entries);
  /// Reveals what was sealed until `now` or before; how many.
  Result<std::size_t, std::string> reveal(UnixSeconds now);

  /// Opens the log and reads what it says; every other call does so by itself.
  Result<void, std::string> open();
  [[nodiscard]] const Book& book() const noexcept { return book_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return log_ ? log_->size() : 0; }
  [[nodiscard]] const NoteVerifier& who() const noexcept { return key_.who; }
  [[nodiscard]] LogFiles files() const { return LogFiles(folder_); }
  [[nodiscard]] const PrivateFiles& secrets() const noexcept { return private_; }
  [[nodiscard]] std::filesystem::path targets() const { return folder_ / "targets"; }

 private:
  struct Draft;
  Result<void, std::string> add_order(const Enforced& what, const Book::Feed& stands, BundleOrder&& order, Draft& draft,
                                      UnixSeconds now);
  void add_missing(const Book::Feed& stands, const std::string& feed, Draft& draft, UnixSeconds now);
  Result<TargetList, std::string> list_of(const Enforced& what, const BundleOrder& order, Draft& draft) const;
  Result<void, std::string> catch_up();
  [[nodiscard]] Result<JsonValue, std::string> veil(JsonValue entry, UnixSeconds until, UnixSeconds now) const;

  std::filesystem::path folder_;
  NoteSigner key_;
  PrivateFiles private_;
  std::filesystem::path secrets_;
  std::optional<Log> log_;
  Book book_;
};

}  // namespace sluice
