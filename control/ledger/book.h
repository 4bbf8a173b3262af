#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "dataplane/base/result.h"
#include "rules/model/order.h"
#include "rules/text/canonical_json.h"

namespace sluice {

/// What a log says, read from its first entry to its last: which orders stand, and what is still sealed.
class Book {
 public:
  struct Order {
    std::string digest;            ///< order_digest()
    std::uint64_t index = 0;       ///< of its latest entry
    UnixSeconds sealed_until = 0;  ///< 0: that entry is open
    std::string commitments;       ///< SHA-256 of the list, where names are published as commitments only
  };
  struct Release {
    std::uint64_t epoch = 0, seq = 0;
    std::string sha256;
    std::uint64_t index = 0;
  };
  struct Refusal {
    std::string by, code;
    friend bool operator==(const Refusal&, const Refusal&) = default;
  };
  struct Feed {
    std::optional<Release> release, before;  ///< the latest, and the one before it
    std::map<std::string, Order> orders;     ///< that stand, by id
    std::map<std::string, Refusal> refused;  ///< that do not because somebody refused them, by id
    std::string root_sha256;
  };
  struct Sealed {
    std::string commitment;
    UnixSeconds until = 0;
  };
  /// The entry behind a commitment; nothing where the reader does not know it (yet).
  using Unseal = std::function<std::optional<JsonValue>(std::uint64_t index, const std::string& commitment)>;

  /// The next entry. The error says which rule of the log it breaks: an unknown type, a field that is missing, an order
  /// applied that stands already, changed or revoked that does not, a release that goes back, a reveal of nothing.
  Result<void, std::string> take(const JsonValue& entry, const Unseal& unseal);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] const std::map<std::string, Feed>& feeds() const noexcept { return feeds_; }
  [[nodiscard]] const Feed& feed(const std::string& name) const;
  /// Not revealed yet, by index.
  [[nodiscard]] const std::map<std::uint64_t, Sealed>& sealed() const noexcept { return sealed_; }
  [[nodiscard]] const std::string& last_stats_day() const noexcept { return stats_day_; }

 private:
  std::string effect(const JsonValue& entry, UnixSeconds sealed_until);
  std::string order(const JsonValue& entry, Feed& feed, UnixSeconds sealed_until);
  std::string release(const JsonValue& entry, Feed& feed);
  std::string unsealed(const JsonValue& entry, const Unseal& unseal);
  std::string revealed(const JsonValue& entry);

  std::uint64_t size_ = 0;
  std::map<std::string, Feed> feeds_;
  std::map<std::uint64_t, Sealed> sealed_;
  std::string stats_day_;
};

}  // namespace sluice
