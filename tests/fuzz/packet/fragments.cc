// A row of fragments, each told by five bytes: flags (IPv6, more fragments, id), offset in units, length, seconds since
// the one before, and the byte that its data begin with. They go into a table that holds eight datagrams of 1 KB. What
// is given is checked against its place in memory, and read in full.
#include <algorithm>
#include <memory>
#include <vector>

#include "dataplane/packet/fragments.h"
#include "dataplane/packet/parse.h"
#include "tests/support/frames.h"

using namespace sluice;

namespace {

test::Octets frame_of(const std::uint8_t* told) {
  const bool v6 = (told[0] & 1) != 0;
  const bool more = (told[0] & 2) != 0;
  const std::size_t id = told[0] >> 2 & 0x0f;
  const unsigned offset = told[1] * 8U;
  test::Octets data(told[2]);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(told[4] + i);
  if (v6) return test::ethernet(0x86dd, test::ipv6(44, test::ipv6_fragment(17, offset, more, id, data)));
  return test::ethernet(0x0800, test::ipv4(17, data, {.id = id, .flags_and_offset = told[1] | (more ? 0x2000U : 0U)}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Fragments fragments({.datagrams = 8, .datagram_bytes = 1024}, 1);
  const std::unique_ptr<std::uint8_t[]> buffer(new std::uint8_t[fragments.buffer_bytes()]);
  std::uint64_t now_ns = 1;
  volatile unsigned sum = 0;  // every byte that is given is read
  for (std::size_t at = 0; at + 5 <= size; at += 5) {
    const test::Octets frame = frame_of(data + at);
    now_ns += data[at + 3] * std::uint64_t{1'000'000'000};
    PacketView view;
    parse_packet(frame, LinkType::Ethernet, view);
    if (view.cause != Cause::Fragment) continue;
    PacketView out;
    fragments.add(view, now_ns, {buffer.get(), fragments.buffer_bytes()}, out);
    if (out.cause != Cause::None) continue;
    if (out.data != buffer.get() || out.payload + out.payload_len > out.len || out.len > fragments.buffer_bytes())
      __builtin_trap();
    for (const std::uint8_t byte : out.frame()) sum = sum + byte;
  }
  return 0;
}
