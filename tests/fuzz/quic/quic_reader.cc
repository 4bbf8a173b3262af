// A sequence of datagrams through one reader. Each step of the input is
//
//   op | length (2 bytes) | bytes
//
//   op bit 7    0: bytes are a datagram as it is   1: bytes are frames, sealed here, so that they reach the frame
//   parser op bit 6    1: from the server op bits 5,4 client port: flows that share nothing op bits 3,2 which
//   connection's keys (sealed only) op bit 1    1: under an ID that the server chose (sealed only) op bit 0    1:
//   version 2 (sealed only)
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "dataplane/base/cursor.h"
#include "dataplane/quic/connection.h"
#include "tests/support/quic_sealer.h"
#include "tests/support/udp_datagram.h"

using namespace sluice;

namespace {

test::ByteVector datagram_of(std::uint8_t op, Bytes bytes, std::uint64_t number) {
  if ((op & 0x80) == 0) return {bytes.begin(), bytes.end()};
  const test::ByteVector id(8, static_cast<std::uint8_t>(op >> 2 & 3));
  return test::seal({.version = (op & 1) != 0 ? 0x6b3343cfU : 1U,
                     .keys_from = id,
                     .dcid = (op & 2) != 0 ? test::ByteVector(5, 0xee) : id,
                     .scid = {1},
                     .token = {},
                     .number = number,
                     .from_server = (op & 0x40) != 0,
                     .frames = {bytes.begin(), bytes.end()},
                     .pad_frames_to = 4});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  QuicReader reader({.connections = 16, .half_read = 3}, 7);
  const auto name = std::make_unique<WireName>();
  Cursor input(Bytes{data, size});
  for (std::uint64_t step = 0; step < 64 && !input.empty(); ++step) {
    const std::uint8_t op = input.u8();
    const std::size_t length = input.be16();
    const Bytes bytes = input.bytes(std::min(length, input.remaining()));
    const test::ByteVector payload = datagram_of(op, bytes, step);
    const auto port = static_cast<std::uint16_t>(1000 + (op >> 4 & 3));
    const bool server = (op & 0x40) != 0;
    const test::UdpDatagram datagram = server ? test::UdpDatagram({2, 2, 2, 2}, 443, {1, 1, 1, 1}, port, payload)
                                              : test::UdpDatagram({1, 1, 1, 1}, port, {2, 2, 2, 2}, 443, payload);
    const Cause cause = reader.read(datagram.view(), step * 1'000'000'000, *name);
    if ((cause == Cause::None) != (name->length > 0)) std::abort();
    if (reader.repeated() && cause != Cause::None) std::abort();
    if (server && (op & 0x80) != 0 && cause == Cause::None) std::abort();
  }
  return 0;
}
