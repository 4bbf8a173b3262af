// A row of fragments, each told by five bytes: flags (IPv6, more fragments, id), offset in units, length, seconds since
// the one before, and the byte that its data begin with. They go into a table that holds eight datagrams of 1 KB. What
// is given stands in the buffer, and each of its bytes came in a fragment of that datagram, at that place (or is a zero
// up to the next unit behind a last one); nothing is allocated for it.
#include <algorithm>
#include <array>
#include <bitset>
#include <cstdlib>
#include <memory>
#include <vector>

#include "dataplane/packet/fragments.h"
#include "dataplane/packet/parse.h"
#include "tests/support/allocations.h"
#include "tests/support/frames.h"

using namespace sluice;

namespace {

constexpr std::size_t kKept = 1024, kLongest = 255, kMostRows = 256;

void must(bool condition) {
  if (!condition) std::abort();
}

/// The headers of a fragment, to which data are appended.
class Frame {
 public:
  explicit Frame(bool v6) : v6_(v6) {
    bytes_ = v6 ? test::ethernet(0x86dd, test::ipv6(44, test::ipv6_fragment(17, 0, false, 0, {})))
                : test::ethernet(0x0800, test::ipv4(17, {}, {}));
    headers_ = bytes_.size();
    bytes_.reserve(headers_ + kLongest);
  }
  Bytes of(const std::uint8_t* told) {
    const bool more = (told[0] & 2) != 0;
    const auto id = static_cast<std::uint16_t>(told[0] >> 2 & 0x0f);
    const std::size_t length = told[2];
    bytes_.resize(headers_ + length);
    for (std::size_t i = 0; i < length; ++i) bytes_[headers_ + i] = static_cast<std::uint8_t>(told[4] + i);
    std::uint8_t* ip = bytes_.data() + 14;
    if (v6_) {
      store_be16(ip + 4, static_cast<std::uint16_t>(8 + length));
      store_be16(ip + 42, static_cast<std::uint16_t>(told[1] * 8U | (more ? 1U : 0U)));
      store_be16(ip + 46, id);
    } else {
      store_be16(ip + 2, static_cast<std::uint16_t>(20 + length));
      store_be16(ip + 4, id);
      store_be16(ip + 6, static_cast<std::uint16_t>(told[1] | (more ? 0x2000U : 0U)));
    }
    return bytes_;
  }

 private:
  bool v6_;
  std::size_t headers_ = 0;
  test::Octets bytes_;
};

/// Every value that came for each byte of the sixteen datagrams of a version.
using Came = std::vector<std::bitset<256>>;

void check_given(const PacketView& out, const std::uint8_t* buffer, std::size_t room, const Came& came,
                 std::size_t id) {
  must(out.data == buffer && out.payload + out.payload_len <= out.len && out.len <= room);
  const Bytes given = out.frame().subspan(14U + (out.ipv6 ? 40U : 20U));
  must(given.size() <= kKept);
  for (std::size_t i = 0; i < given.size(); ++i) must(came[id * kKept + i].test(given[i]));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<Frame, 2> frames{Frame(false), Frame(true)};
  static std::array<Came, 2> came{Came(16 * kKept), Came(16 * kKept)};
  for (Came& version : came) std::ranges::fill(version, std::bitset<256>{});
  Fragments fragments({.datagrams = 8, .datagram_bytes = kKept}, 1);
  const std::size_t memory = fragments.memory_bytes();
  const std::unique_ptr<std::uint8_t[]> buffer(new std::uint8_t[fragments.buffer_bytes()]);
  std::uint64_t now_ns = 1;
  for (std::size_t at = 0, row = 0; at + 5 <= size && row < kMostRows; at += 5, ++row) {
    const bool v6 = (data[at] & 1) != 0;
    const Bytes frame = frames[v6 ? 1 : 0].of(data + at);
    now_ns += data[at + 3] * std::uint64_t{1'000'000'000};
    PacketView view;
    parse_packet(frame, LinkType::Ethernet, view);
    if (view.cause != Cause::Fragment) continue;
    Came& version = came[v6 ? 1 : 0];
    const std::size_t id = data[at] >> 2 & 0x0f;
    for (std::size_t i = 0; i < view.payload_len && view.fragment_offset + i < kKept; ++i) {
      version[id * kKept + view.fragment_offset + i].set(frame[view.l4 + i]);
    }
    for (std::size_t i = view.fragment_offset + view.payload_len; i % 8 != 0 && i < kKept; ++i) {
      version[id * kKept + i].set(0);
    }
    PacketView out;
    const std::uint64_t before = test::allocations();
    fragments.add(view, now_ns, {buffer.get(), fragments.buffer_bytes()}, out);
    must(test::allocations() == before && fragments.memory_bytes() == memory);
    if (out.cause == Cause::None) check_given(out, buffer.get(), fragments.buffer_bytes(), version, id);
  }
  return 0;
}
