#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/order.h"

namespace sluice {

/// Who holds a key: no bundle counts that one side alone signed.
enum class Party : std::uint8_t { Requester, Independent, Operator };
[[nodiscard]] std::string_view to_string(Party party) noexcept;
[[nodiscard]] std::optional<Party> party_from(std::string_view text) noexcept;

/// A minisign public key: a number that finds it, and the Ed25519 key itself. Both are pinned and compared.
struct MinisignPublicKey {
  std::array<std::uint8_t, 8> number{};  ///< random; as stored, little end first
  std::array<std::uint8_t, 32> key{};
  friend bool operator==(const MinisignPublicKey&, const MinisignPublicKey&) = default;
};

/// Line 2 of a .pub file: base64 of "Ed" | number[8] | key[32]. Anything else: nothing.
[[nodiscard]] std::optional<MinisignPublicKey> minisign_public_key(std::string_view base64);
[[nodiscard]] std::string to_base64(const MinisignPublicKey& key);
/// The KEYID of file names and comments: the number as minisign prints it, 16 upper-case hex digits, big end first.
[[nodiscard]] std::string key_id(const std::array<std::uint8_t, 8>& number);

struct RootKey {
  Party party = Party::Requester;
  std::string name;  ///< who holds it, for people
  MinisignPublicKey key;
  friend bool operator==(const RootKey&, const RootKey&) = default;
};

/// The root of trust of one feed: whose signatures make a bundle count.
struct Root {
  std::string feed;
  std::uint64_t version = 0;  ///< what the header of a bundle calls `root`
  std::uint64_t epoch = 0;    ///< of the bundles that it speaks for
  UnixSeconds expires = 0;
  std::vector<RootKey> keys;             ///< distinct by number and by key
  std::map<Party, unsigned> thresholds;  ///< distinct keys that must have signed, each 1..its number of keys
  friend bool operator==(const Root&, const Root&) = default;
};

/// How many of the signers (indices into root.keys) are of this party.
[[nodiscard]] unsigned signers_of(const Root& root, std::span<const std::size_t> signers, Party party) noexcept;

}  // namespace sluice
