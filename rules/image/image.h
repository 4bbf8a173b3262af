#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/base/result.h"
#include "rules/model/decide.h"
#include "rules/model/order.h"

namespace sluice {

using Sha256 = std::array<std::uint8_t, 32>;
using Ed25519PublicKey = std::array<std::uint8_t, 32>;
using Ed25519SecretKey = std::array<std::uint8_t, 64>;

enum class ImageError : std::uint8_t {
  Truncated,     ///< shorter than its header says
  BadMagic,      ///< not an image
  BadVersion,    ///< a format that this build does not read
  BadSignature,  ///< not signed by the key given
  BadHash,       ///< body and header disagree
  BadSection,    ///< a section out of bounds, misaligned or of an impossible size
  BadIndex,      ///< an index or offset inside a section that points nowhere
  BadPatternDb,  ///< Hyperscan of another version or platform, or a database that does not deserialise
  TooLarge,      ///< over the cap of the loader
};
[[nodiscard]] std::string_view to_string(ImageError error) noexcept;

enum class MatchEngine : std::uint8_t {
  Table,      ///< names in the hash table, patterns in Hyperscan
  Hyperscan,  ///< everything in Hyperscan: lists up to 10 k, and the table's differential oracle
};

/// A feed as the image knows it. Views live as long as the image's bytes.
struct ImageFeed {
  std::string_view name;
  std::uint64_t epoch, seq;
  UnixSeconds issued, expires;
  Sha256 snapshot_sha256;
  std::uint8_t priority;
  bool external;
};

/// An order as the image knows it: what decides, and what users are told. Index = position in id order within feeds. An
/// order in shadow may have a second entry right before it under the same id: what is enforced of it meanwhile.
struct ImageOrder {
  std::string_view id, number, authority, law, reason, appeal_url;
  UnixSeconds effective, expires;
  std::uint32_t feed;  ///< index of its feed
  OrderAction action;
  MethodSet methods;
  QtypeSet qtypes;
  bool shadow;  ///< counted as observed, never blocked
};

/// One target of one order, as matched. `length` is the specificity: bytes of the name, 0 for a pattern.
struct TargetRef {
  std::uint32_t order;  ///< index of the order
  std::uint16_t length;
  Scope scope;
  bool pattern;
};

}  // namespace sluice
