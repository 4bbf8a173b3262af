#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/packet/packet_view.h"

namespace sluice {

struct FragmentLimits {
  std::uint32_t datagrams = 512;              ///< at a time; rounded up to a power of two, at least 8
  std::uint32_t datagram_bytes = 8192;        ///< kept of each, from its start; rounded up to 512, at most 64512
  std::uint64_t timeout_ns = 60'000'000'000;  ///< from the first fragment seen, RFC 8200 4.5
};

/// Puts together datagrams out of copies of their fragments (RFC 791 3.2, RFC 8200 4.5), in any order and in memory
/// that is taken once. The fragments themselves are never held back.
///
/// - A datagram longer than datagram_bytes is given as soon as its first datagram_bytes are there: the names that are
///   looked for stand at the start, and padding is no way around.
/// - Fragments that overlap, other than exact copies, or whose ends disagree, refuse the datagram until it times out
///   (RFC 5722).
/// - Once complete, the datagram is given again with every further fragment under its key, whose bytes then replace the
///   older ones: a receiver from which the completing fragment was withheld still keeps the others, and would complete
///   the datagram with the next one. So the verdict falls on each.
/// - A full set loses its oldest datagram. Hashes are seeded.
class Fragments {
 public:
  Fragments(const FragmentLimits& limits, std::uint64_t seed);

  /// Most bytes in front of the IP header of a fragment; with more it is not put together.
  static constexpr std::size_t kMaxLinkBytes = 512;
  /// Bytes that `buffer` needs.
  [[nodiscard]] std::size_t buffer_bytes() const noexcept { return kMaxLinkBytes + 40 + datagram_bytes_; }

  /// Takes in a fragment (fragment.cause == Cause::Fragment). out.cause: Fragment, while bytes are missing;
  /// FragmentOverlap, where the datagram is refused; else the datagram is written to `buffer` (which `out` borrows),
  /// behind what stood in front of the IP header in this fragment and an IP header without options or extensions, and
  /// parsed as parse_packet() does. True where it was given before: its names are not new.
  bool add(const PacketView& fragment, std::uint64_t now_ns, std::span<std::uint8_t> buffer, PacketView& out) noexcept;

  /// Datagrams that lost their place to newer ones before they were complete.
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  static constexpr std::size_t kWays = 8;

  /// RFC 791: source, destination, protocol, id; RFC 8200: without protocol, which is that of the first fragment.
  struct Key {
    std::array<std::uint8_t, 32> addresses{};
    std::uint32_t id = 0;
    std::uint8_t proto = 0;
    bool ipv6 = false;
    bool operator==(const Key&) const = default;
  };
  enum class State : std::uint8_t { Free, Waiting, Judged, Refused };
  struct Datagram {
    Key key;
    State state = State::Free;
    std::uint8_t first_proto = 0;  ///< of the fragment at offset 0
    std::uint64_t expires_ns = 0;
    std::uint32_t end = 0;    ///< highest end of any fragment
    std::uint32_t total = 0;  ///< 0: not known yet
  };

  [[nodiscard]] static Key key_of(const PacketView& fragment) noexcept;
  [[nodiscard]] std::size_t place(const Key& key, std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool fits(std::size_t at, const PacketView& fragment) const noexcept;
  void keep(std::size_t at, const PacketView& fragment) noexcept;
  [[nodiscard]] std::uint32_t kept_of(const PacketView& fragment) const noexcept;
  [[nodiscard]] std::uint32_t complete_bytes(std::size_t at) const noexcept;
  void give(std::size_t at, std::uint32_t length, const PacketView& fragment, std::span<std::uint8_t> buffer,
            PacketView& out) const noexcept;

  [[nodiscard]] std::uint8_t* bytes(std::size_t at) const noexcept { return &bytes_[at * datagram_bytes_]; }
  [[nodiscard]] std::uint64_t* units(std::size_t at) const noexcept { return &units_[at * (datagram_bytes_ / 512)]; }

  std::uint32_t datagrams_, datagram_bytes_;
  std::uint64_t timeout_ns_, seed_;
  std::uint64_t evicted_ = 0;
  std::unique_ptr<Datagram[]> table_;
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::unique_ptr<std::uint64_t[]> units_;  ///< one bit per 8 bytes kept: present
};

}  // namespace sluice
