// First byte below 0x80: link type; the rest is the frame. Else a stack of headers around a query, chosen by the bytes
// that follow, is read to the query; then it is read again with two bytes (offset and value) laid over it for each
// three bytes that are left.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "dataplane/packet/parse.h"
#include "tests/support/allocations.h"
#include "tests/support/encapsulate.h"

using namespace sluice;

namespace {

void must(bool condition) {
  if (!condition) std::abort();
}

PacketView read(Bytes frame, LinkType link) {
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[frame.size()]);
  std::copy(frame.begin(), frame.end(), exact.get());
  PacketView view;
  const std::uint64_t before = test::allocations();
  parse_packet({exact.get(), frame.size()}, link, view);
  must(test::allocations() == before);
  if (view.cause == Cause::None || view.cause == Cause::Fragment) {
    const std::size_t header = view.ipv6 ? 40 : 20;
    must(view.l3 + header <= view.l4 && view.l4 <= view.payload && view.payload + view.payload_len <= frame.size());
    must(view.dst().data() + view.address_bytes() <= exact.get() + view.l4);
  }
  view.data = nullptr;
  return view;
}

void read_stack(Bytes told) {
  std::size_t at = 0;
  const test::Choose choose = [&](std::size_t n) { return at < told.size() ? told[at++] % n : 0; };
  static const test::Octets query = test::udp(4000, 53, test::Octets(40, 0x61));
  const bool v6 = choose(2) == 1;
  const test::IpPacket ip{v6, v6 ? test::ipv6(17, query) : test::ipv4(17, query)};
  test::Octets frame = framed(choose, in_tunnels(choose, ip));
  const PacketView view = read(frame, LinkType::Ethernet);
  must(view.cause == Cause::None && view.ipv6 == v6 && view.dst_port == 53 && view.payload_len == 40);
  for (; at + 3 <= told.size(); at += 3) {
    frame[load_be16(&told[at]) % frame.size()] = told[at + 2];
    (void)read(frame, LinkType::Ethernet);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes rest{data + 1, size - 1};
  if (data[0] >= 0x80) {
    read_stack(rest.first(std::min<std::size_t>(rest.size(), 120)));
  } else {
    (void)read(rest, LinkType{static_cast<std::uint8_t>(data[0] % 5)});
  }
  return 0;
}
