#include "dataplane/packet/fragments.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/packet/walk.h"

namespace sluice {
namespace {

constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::uint32_t kUnitBytes = 8;
constexpr std::uint32_t kWordBytes = 64 * kUnitBytes;          // of a datagram, per word of its bitmap
constexpr std::uint32_t kMaxDatagramBytes = 126 * kWordBytes;  // with link and IP header below 65535

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint16_t header_checksum(Bytes header) noexcept {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < header.size(); i += 2) sum += load_be16(header.data() + i);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~(sum + (sum >> 16)));
}

/// Bits of the units [first, last) that lie in word `word` of a bitmap.
std::uint64_t unit_mask(std::uint32_t first, std::uint32_t last, std::uint32_t word) noexcept {
  const std::uint32_t from = std::max(first, word * 64) - word * 64;
  const std::uint32_t to = std::min(last, word * 64 + 64) - word * 64;
  const std::uint64_t below_to = to == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << to) - 1;
  return below_to & ~((std::uint64_t{1} << from) - 1);
}

std::uint32_t count_units(const std::uint64_t* units, std::uint32_t first, std::uint32_t last) noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t word = first / 64; word * 64 < last; ++word) {
    count += static_cast<std::uint32_t>(std::popcount(units[word] & unit_mask(first, last, word)));
  }
  return count;
}

constexpr std::uint32_t units_of(std::uint32_t bytes) noexcept {
  return (bytes + kUnitBytes - 1) / kUnitBytes;
}

}  // namespace

Fragments::Fragments(const FragmentLimits& limits, std::uint64_t seed)
    : datagrams_(std::bit_ceil(std::max<std::uint32_t>(limits.datagrams, kWays))),
      datagram_bytes_(std::clamp((limits.datagram_bytes + kWordBytes - 1) / kWordBytes * kWordBytes, kWordBytes,
                                 kMaxDatagramBytes)),
      timeout_ns_(limits.timeout_ns),
      seed_(seed),
      table_(new Datagram[datagrams_]),
      bytes_(new std::uint8_t[std::size_t{datagrams_} * datagram_bytes_]),
      units_(new std::uint64_t[std::size_t{datagrams_} * (datagram_bytes_ / kWordBytes)]) {}

std::size_t Fragments::memory_bytes() const noexcept {
  return std::size_t{datagrams_} * (sizeof(Datagram) + datagram_bytes_ + datagram_bytes_ / kUnitBytes / 8);
}

bool Fragments::add(const PacketView& fragment, std::uint64_t now_ns, std::span<std::uint8_t> buffer,
                    PacketView& out) noexcept {
  out = fragment;
  if (fragment.l3 > kMaxLinkBytes || buffer.size() < buffer_bytes()) return false;
  const std::size_t at = place(key_of(fragment), now_ns);
  Datagram& datagram = table_[at];
  if (datagram.state == State::Waiting && !fits(at, fragment)) datagram.state = State::Refused;
  if (datagram.state == State::Refused) {
    out.cause = Cause::FragmentOverlap;
    return false;
  }
  keep(at, fragment);
  const std::uint32_t length = complete_bytes(at);
  if (length == 0) return false;
  const bool again = datagram.state == State::Judged;
  datagram.state = State::Judged;
  give(at, length, fragment, buffer, out);
  return again;
}

Fragments::Key Fragments::key_of(const PacketView& fragment) noexcept {
  Key key;
  const Bytes src = fragment.src();
  const Bytes dst = fragment.dst();
  std::memcpy(key.addresses.data(), src.data(), src.size());
  std::memcpy(key.addresses.data() + src.size(), dst.data(), dst.size());
  key.id = fragment.fragment_id;
  key.ipv6 = fragment.ipv6;
  key.proto = fragment.ipv6 ? std::uint8_t{0} : static_cast<std::uint8_t>(fragment.proto);
  return key;
}

/// The place of a datagram: its own, a free or outlived one, or that of the oldest in its set.
std::size_t Fragments::place(const Key& key, std::uint64_t now_ns) noexcept {
  std::uint64_t hash = seed_;
  for (std::size_t i = 0; i < key.addresses.size(); i += 8) {
    hash = mix(hash ^ load_be64(&key.addresses[i]) ^ 0x9e3779b97f4a7c15U, seed_ ^ 0xe7037ed1a0b428dbU);
  }
  hash =
      mix(hash ^ key.id ^ std::uint64_t{key.proto} << 32 ^ std::uint64_t{key.ipv6} << 40, seed_ | 0xa0761d6478bd642fU);
  const std::size_t set = (hash & (datagrams_ / kWays - 1)) * kWays;

  std::size_t oldest = set;
  for (std::size_t at = set; at < set + kWays; ++at) {
    Datagram& datagram = table_[at];
    if (datagram.expires_ns <= now_ns) datagram.state = State::Free;
    if (datagram.state == State::Free) datagram.expires_ns = 0;
    if (datagram.state != State::Free && datagram.key == key) return at;
    if (datagram.expires_ns < table_[oldest].expires_ns) oldest = at;
  }
  if (table_[oldest].state == State::Waiting) ++evicted_;
  table_[oldest] = {.key = key, .state = State::Waiting, .expires_ns = now_ns + timeout_ns_};
  std::fill_n(units(oldest), datagram_bytes_ / kWordBytes, std::uint64_t{0});
  return oldest;
}

/// Bytes of a fragment that lie within the kept start of its datagram.
std::uint32_t Fragments::kept_of(const PacketView& fragment) const noexcept {
  if (fragment.fragment_offset >= datagram_bytes_) return 0;
  return std::min(fragment.payload_len, datagram_bytes_ - fragment.fragment_offset);
}

/// Does a fragment agree with the ends known so far, and cover nothing twice (or all of it, with the same bytes)?
bool Fragments::fits(std::size_t at, const PacketView& fragment) const noexcept {
  const Datagram& datagram = table_[at];
  const std::uint32_t offset = fragment.fragment_offset;
  const std::uint32_t end = offset + fragment.payload_len;
  const bool last = !fragment.more_fragments;
  if (datagram.total != 0 && (end > datagram.total || (last && end != datagram.total))) return false;
  if (last && end < datagram.end) return false;

  const std::uint32_t kept = kept_of(fragment);
  const std::uint32_t first = offset / kUnitBytes;
  const std::uint32_t present = kept == 0 ? 0 : count_units(units(at), first, first + units_of(kept));
  if (present == 0) return true;
  return present == units_of(kept) && std::memcmp(bytes(at) + offset, fragment.data + fragment.l4, kept) == 0;
}

void Fragments::keep(std::size_t at, const PacketView& fragment) noexcept {
  Datagram& datagram = table_[at];
  const std::uint32_t offset = fragment.fragment_offset;
  const std::uint32_t end = offset + fragment.payload_len;
  datagram.end = std::max(datagram.end, end);
  if (!fragment.more_fragments) {
    datagram.total = end;
  } else if (end > datagram.total) {
    datagram.total = 0;  // a judged datagram goes on further than its last fragment said
  }
  if (offset == 0) datagram.first_proto = static_cast<std::uint8_t>(fragment.proto);
  const std::uint32_t kept = kept_of(fragment);
  if (kept == 0) return;
  std::memcpy(bytes(at) + offset, fragment.data + fragment.l4, kept);
  const std::uint32_t first = offset / kUnitBytes;
  const std::uint32_t last = first + units_of(kept);
  // A last fragment may end inside a unit: what the memory held before is not to be given, should the datagram go on.
  std::memset(bytes(at) + offset + kept, 0, last * kUnitBytes - offset - kept);
  for (std::uint32_t word = first / 64; word * 64 < last; ++word) units(at)[word] |= unit_mask(first, last, word);
}

/// Bytes of the datagram that can be given; 0 while there is a gap in them.
std::uint32_t Fragments::complete_bytes(std::size_t at) const noexcept {
  const std::uint32_t total = table_[at].total;
  const std::uint32_t length = total == 0 ? datagram_bytes_ : std::min(total, datagram_bytes_);
  return count_units(units(at), 0, units_of(length)) == units_of(length) ? length : 0;
}

void Fragments::give(std::size_t at, std::uint32_t length, const PacketView& fragment, std::span<std::uint8_t> buffer,
                     PacketView& out) const noexcept {
  const std::size_t header = fragment.ipv6 ? kIpv6Bytes : kIpv4Bytes;
  std::uint8_t* ip = buffer.data() + fragment.l3;
  std::memcpy(buffer.data(), fragment.data, fragment.l3 + header);
  std::memcpy(ip + header, bytes(at), length);
  if (fragment.ipv6) {
    store_be16(ip + 4, static_cast<std::uint16_t>(length));
    ip[6] = table_[at].first_proto;
  } else {
    ip[0] = 0x45;
    store_be16(ip + 2, static_cast<std::uint16_t>(header + length));
    store_be16(ip + 6, 0);
    store_be16(ip + 10, 0);
    store_be16(ip + 10, header_checksum({ip, header}));
  }
  parse_datagram(buffer.first(fragment.l3 + header + length), fragment, out);
}

}  // namespace sluice
