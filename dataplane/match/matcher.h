#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/wire_name.h"
#include "rules/image/image.h"

namespace sluice {

inline constexpr std::uint32_t kNoOrder = 0xffffffff;

/// What the rules say of one name.
struct Decision {
  std::uint32_t order = kNoOrder;  ///< index of the order that blocks it, or would, or kNoOrder
  TargetRef target{};              ///< the target that matched, where there is an order
  std::uint32_t pattern = 0;       ///< index of its expression, where target.pattern
  bool shadow = false;             ///< the order is in shadow, and nothing that is enforced blocks the name
  [[nodiscard]] bool blocked() const noexcept { return order != kNoOrder && !shadow; }
  [[nodiscard]] bool in_shadow() const noexcept { return shadow; }
};

/// One name to look up, and how it was asked for.
struct Lookup {
  const WireName* name = nullptr;
  Method method = Method::Dns;
  std::uint16_t qtype = 1;
};

/// A rule image that was checked and is ready to match: the data plane's private copy, its names table and its pattern
/// database. Immutable once open; any number of threads may look up, each under its own worker index.
class RuleSet {
 public:
  /// Checks signature, hash, bounds and every index of `bytes` (in this order), then takes the bytes over. `workers`
  /// scratch spaces for Hyperscan are made. `bytes` is the caller's private copy: nobody else can write to it.
  static Result<std::unique_ptr<RuleSet>, ImageError> open(std::vector<std::uint8_t> bytes, const Ed25519PublicKey& key,
                                                           unsigned workers);
  ~RuleSet();
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  static constexpr std::size_t kBatch = 64;  ///< most names a call

  /// Looks up a batch: out[i] answers in[i]; at most kBatch. `now` decides which orders are in force. No allocation,
  /// no lock. Equal, for every input, to decide() in rules/model over the snapshots the image was built from, and where
  /// that says nothing to decide_shadow().
  void lookup(std::span<const Lookup> in, std::span<Decision> out, UnixSeconds now, unsigned worker) const noexcept;

  [[nodiscard]] std::span<const ImageFeed> feeds() const noexcept;
  [[nodiscard]] std::span<const ImageOrder> orders() const noexcept;
  [[nodiscard]] std::uint64_t names() const noexcept;
  [[nodiscard]] std::uint64_t patterns() const noexcept;
  [[nodiscard]] MatchEngine engine() const noexcept;
  /// Text of the target behind a decision ("news.example.org" or the expression), for `why` and `inspect`.
  [[nodiscard]] std::string_view target_text(const Decision& decision, std::string_view name) const noexcept;
  /// SHA-256 of the whole image file: its identity in health, status and audit.
  [[nodiscard]] const Sha256& image_sha256() const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  struct Parts;
  explicit RuleSet(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice
