#pragma once

#include <array>
#include <random>
#include <string>

#include "tests/support/made_packets.h"

namespace sluice::test {

/// An Ethernet frame with IPv4, over and over with other addresses and ports.
class Stamp {
 public:
  explicit Stamp(Buffer frame) : frame_(std::move(frame)) {}
  /// From `address` and `port`; the id of the datagram (fragments have no ports) is the port, too.
  const Buffer& from(std::uint32_t address, std::uint16_t port) {
    store_be32(&frame_[26], address);
    store_be16(&frame_[18], port);
    if (!fragment()) store_be16(&frame_[34], port);
    return frame_;
  }

 private:
  [[nodiscard]] bool fragment() const { return (load_be16(&frame_[20]) & 0x3fff) != 0; }
  Buffer frame_;
};

/// What spoofed sources send.
enum class FloodKind : std::uint8_t {
  None,
  Syns,
  HalfHellos,
  SynsAndHalves,
  GarbageInitials,
  SealedInitials,
  Fragments
};
inline constexpr std::array<const char*, 7> kFloodNames{"none",
                                                        "SYNs",
                                                        "half ClientHellos",
                                                        "SYNs, half ClientHellos",
                                                        "garbage Initials",
                                                        "sealed half Initials",
                                                        "first fragments"};

class Flood {
 public:
  explicit Flood(FloodKind kind);
  /// The next frame; until the next call.
  const Buffer& next();
  [[nodiscard]] FloodKind kind() const noexcept { return kind_; }

 private:
  FloodKind kind_;
  std::mt19937_64 random_{1};
  std::vector<Stamp> stamps_;
  std::uint32_t address_ = 0;
  std::uint16_t port_ = 0;
  bool half_follows_ = false;
};

/// What honest clients do: handshakes and queries in two parts, each with a name of its own.
enum class HonestKind : std::uint8_t { Tls, TlsOneWay, Quic, DnsFragments };
inline constexpr std::array<const char*, 4> kHonestNames{"TLS", "TLS, one way", "QUIC", "DNS, fragments"};

struct Honest {
  HonestKind kind;
  std::string name;
  Endpoints ends;
  std::array<Buffer, 2> parts;  ///< frames of the name
};
[[nodiscard]] Honest honest_client(HonestKind kind, std::uint32_t number);

/// The bare segments around a ClientHello.
[[nodiscard]] Buffer syn_of(const Honest& client);
[[nodiscard]] Buffer syn_ack_to(const Honest& client);

}  // namespace sluice::test
