// First byte: link type. Rest: the frame.
#include "dataplane/packet/parse.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes frame{data + 1, size - 1};
  PacketView view;
  parse_packet(frame, LinkType{static_cast<std::uint8_t>(data[0] % 5)}, view);
  if (view.cause != Cause::None && view.cause != Cause::Fragment) return 0;
  const std::size_t header = view.ipv6 ? 40 : 20;
  if (view.l3 + header > view.l4 || view.l4 > view.payload || view.payload + view.payload_len > frame.size())
    __builtin_trap();
  if (view.dst().data() + view.address_bytes() > frame.data() + view.l4) __builtin_trap();
  return 0;
}
