#pragma once

#include <sodium.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "rules/image/format.h"
#include "rules/image/image.h"

namespace sluice {

/// ImageHeader::patterns_sha256: what the pattern database was compiled from.
class PatternsHash {
 public:
  PatternsHash() noexcept { crypto_hash_sha256_init(&state_); }
  void add(PatternKind kind, std::string_view text) noexcept {
    std::array<std::uint8_t, 5> head{static_cast<std::uint8_t>(kind)};
    const auto length = static_cast<std::uint32_t>(text.size());
    std::memcpy(head.data() + 1, &length, sizeof length);
    crypto_hash_sha256_update(&state_, head.data(), head.size());
    crypto_hash_sha256_update(&state_, reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
  [[nodiscard]] Sha256 finish() noexcept {
    Sha256 hash;
    crypto_hash_sha256_final(&state_, hash.data());
    return hash;
  }

 private:
  crypto_hash_sha256_state state_;
};

}  // namespace sluice
