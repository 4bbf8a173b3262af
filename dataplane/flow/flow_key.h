#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/packet/packet_view.h"

namespace sluice {

/// Which end of a connection sent a packet.
enum class Sender : std::uint8_t { Client, Server };

/// A connection as the tables know it, whichever way its packets go: client address and port, server address and port,
/// protocol, address family. Tags and tunnels are not part of it.
struct FlowKey {
  std::array<std::uint64_t, 5> words{};
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

/// `view` was read to its ports (cause None).
[[nodiscard]] inline FlowKey flow_key(const PacketView& view, Sender sender) noexcept {
  const bool client = sender == Sender::Client;
  const Bytes from = client ? view.src() : view.dst();
  const Bytes to = client ? view.dst() : view.src();
  FlowKey key;
  std::memcpy(&key.words[0], from.data(), from.size());
  std::memcpy(&key.words[2], to.data(), to.size());
  const std::uint64_t client_port = client ? view.src_port : view.dst_port;
  const std::uint64_t server_port = client ? view.dst_port : view.src_port;
  key.words[4] = client_port << 48 | server_port << 32 | std::uint64_t{static_cast<std::uint8_t>(view.proto)} << 8 |
                 (view.ipv6 ? 1U : 0U);
  return key;
}

/// Seeded 64-bit hash (folded 64x64 products, two independent multipliers): who does not know the seed cannot aim at a
/// bucket.
[[nodiscard]] inline std::uint64_t flow_hash(const FlowKey& key, std::uint64_t seed) noexcept {
  const auto mum = [](std::uint64_t a, std::uint64_t b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const std::uint64_t twist = seed * 0x9e3779b97f4a7c15U + 0x632be59bd9b4e019U;
  std::uint64_t h = mum(key.words[0] ^ seed ^ 0xa0761d6478bd642fU, key.words[1] ^ twist ^ 0xe7037ed1a0b428dbU);
  h = mum(key.words[2] ^ h ^ 0x8ebc6af09c88c6e3U, key.words[3] ^ twist ^ 0x589965cc75374cc3U) ^ h * 3;
  return mum(key.words[4] ^ h ^ 0x1d8e4e27c47d124fU, twist | 1);
}

}  // namespace sluice
