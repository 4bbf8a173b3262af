#pragma once

#include <sodium.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/base/bytes.h"

namespace sluice {

using Sha256 = std::array<std::uint8_t, 32>;
using Blake2b512 = std::array<std::uint8_t, 64>;

/// The two hashes of a file: what minisign signs, and what bundles, state files and the log call it by.
struct Digests {
  Blake2b512 blake2b{};
  Sha256 sha256{};
  friend bool operator==(const Digests&, const Digests&) = default;
};

/// Both hashes of a stream, in constant memory. finish() ends it.
class Digester {
 public:
  Digester();
  void add(Bytes bytes);
  [[nodiscard]] Digests finish();

 private:
  crypto_generichash_blake2b_state blake2b_;
  crypto_hash_sha256_state sha256_;
};

[[nodiscard]] Digests digests_of(std::string_view bytes);
[[nodiscard]] Sha256 sha256_of(std::string_view bytes);
/// Lower-case hex digits.
[[nodiscard]] std::string to_hex(Bytes bytes);

}  // namespace sluice
