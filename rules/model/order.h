#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/model/name.h"

namespace sluice {

/// Seconds since 1970-01-01T00:00:00Z. Orders speak RFC 3339 in UTC with whole seconds.
using UnixSeconds = std::int64_t;

enum class OrderAction : std::uint8_t { Block, Allow };
enum class Scope : std::uint8_t {
  Exact,    ///< this name only
  Subtree,  ///< this name and everything below it
};

/// Where a name was seen; an order names the methods by which it is enforced.
enum class Method : std::uint8_t { Dns, Sni, Quic, Http };
inline constexpr std::size_t kMethodCount = 4;
using MethodSet = std::uint8_t;  ///< bit 1 << Method
inline constexpr MethodSet kAllMethods = 0x0f;
[[nodiscard]] constexpr MethodSet bit(Method method) noexcept {
  return static_cast<MethodSet>(1U << static_cast<unsigned>(method));
}

enum class QtypeSet : std::uint8_t {
  Web,  ///< A, AAAA, HTTPS, SVCB, ANY
  All,
};
/// True where a DNS query type is named by the set (IANA DNS parameters: A 1, AAAA 28, SVCB 64, HTTPS 65, ANY
/// 255).
[[nodiscard]] constexpr bool names_qtype(QtypeSet set, std::uint16_t qtype) noexcept {
  return set == QtypeSet::All || qtype == 1 || qtype == 28 || qtype == 64 || qtype == 65 || qtype == 255;
}

struct NameTarget {
  Name name;
  Scope scope;
  friend bool operator==(const NameTarget&, const NameTarget&) = default;
};
/// A Hyperscan expression, matched against the whole canonical name (feed.md 1).
struct PatternTarget {
  std::string pattern;
  friend bool operator==(const PatternTarget&, const PatternTarget&) = default;
};
using Target = std::variant<NameTarget, PatternTarget>;

enum class Urgency : std::uint8_t { Normal, Emergency };
enum class PublicationKind : std::uint8_t { Full, Delayed, Lookup };

struct Listing {
  std::string list, ref, organisation;
  friend bool operator==(const Listing&, const Listing&) = default;
};
struct Override {
  std::string guard, why;
  friend bool operator==(const Override&, const Override&) = default;
};

/// Everything an order says but its targets. Text fields are UTF-8. Empty string = not given.
struct Order {
  std::string id;      ///< [A-Z0-9][A-Z0-9._-]{2,63}; never reused
  std::string number;  ///< the authority's own number
  OrderAction action = OrderAction::Block;
  MethodSet methods = kAllMethods;
  QtypeSet qtypes = QtypeSet::Web;
  UnixSeconds effective = 0;  ///< in force from this second on
  UnixSeconds expires = 0;    ///< in force up to, not including, this second
  Urgency urgency = Urgency::Normal;
  std::string renews;
  std::string authority;
  std::string law, court;
  std::vector<Listing> listings;
  std::map<std::string, std::string> reason;  ///< language tag (RFC 5646) → text of at most 200 UTF-8 bytes
  std::string appeal_url, appeal_email;
  std::string evidence_sha256, assessed_at;                 ///< attribution
  std::string host_notice_at, not_notified, justification;  ///< necessity
  PublicationKind publication = PublicationKind::Full;
  UnixSeconds delayed_until = 0;
  std::vector<Override> overrides;
  friend bool operator==(const Order&, const Order&) = default;

  [[nodiscard]] bool in_force(UnixSeconds now) const noexcept { return effective <= now && now < expires; }
};

struct OrderWithTargets {
  Order order;
  std::vector<Target> targets;
  friend bool operator==(const OrderWithTargets&, const OrderWithTargets&) = default;
};

/// First line of a snapshot (feed.md 2).
struct SnapshotHeader {
  std::string feed;
  std::uint64_t epoch = 0, seq = 0;
  UnixSeconds issued = 0, expires = 0;
  std::string prev_sha256;  ///< of the snapshot before; empty on the first
  std::uint64_t root = 0;   ///< version of root.json
  std::uint64_t orders = 0, targets = 0;
  std::string churn_why = {};  ///< why so much changes at once (guard G7); empty: not said
  friend bool operator==(const SnapshotHeader&, const SnapshotHeader&) = default;
};

/// What a delta builds on: the snapshot of this seq of the same epoch, whose hash is the delta's prev_sha256.
struct DeltaBase {
  std::uint64_t seq = 0;
  std::string result_sha256;  ///< of the snapshot that results
  friend bool operator==(const DeltaBase&, const DeltaBase&) = default;
};
/// First line of a bundle. `snapshot` is of the whole that stands afterwards, in a delta, too.
struct BundleHeader {
  SnapshotHeader snapshot;
  std::optional<DeltaBase> delta;
  friend bool operator==(const BundleHeader&, const BundleHeader&) = default;
};

struct Snapshot {
  SnapshotHeader header;
  std::vector<OrderWithTargets> orders;
};

/// How a gateway is configured to treat a feed.
struct FeedPolicy {
  std::uint8_t priority = 0;  ///< higher stands over lower
  bool external = true;       ///< ordered by an authority (EDE 16 Censored), not the operator's own (EDE 15 Blocked)
};

}  // namespace sluice
