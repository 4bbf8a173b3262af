// A sequence of datagrams through one reader. Each step of the input is
//
//   op | how | length (2 bytes) | bytes
//
//   op   bit 7     0: bytes are a datagram as it is
//                  1: bytes are frames, sealed here, so that they reach the frame parser
//        bit 6     from the server
//        bits 5,4  client port: flows that share nothing
//        bits 3,2  which connection's keys (sealed only)
//        bit 1     under an ID that the server chose (sealed only)
//        bit 0     the next step's bytes follow in the same datagram
//   how  bits 1,0  version: 1, 2, draft 29, 1 (sealed only)
//        bit 2     with a token (sealed only)
//        bits 4,3  bytes of the packet number, less one (sealed only)
//        bits 7,6  seconds that pass
//
// Nothing is allocated while a datagram is read, and no more streams are held than the limit says.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "dataplane/base/cursor.h"
#include "dataplane/quic/connection.h"
#include "tests/support/allocations.h"
#include "tests/support/quic_sealer.h"
#include "tests/support/udp_datagram.h"

using namespace sluice;

namespace {

constexpr QuicLimits kLimits{.connections = 16, .half_read = 3};

void must(bool condition) {
  if (!condition) std::abort();
}

test::ByteVector packet_of(std::uint8_t op, std::uint8_t how, Bytes bytes, std::uint64_t number) {
  if ((op & 0x80) == 0) return {bytes.begin(), bytes.end()};
  constexpr std::array<std::uint32_t, 4> kVersions{1, 0x6b3343cf, 0xff00001d, 1};
  const test::ByteVector id(8, static_cast<std::uint8_t>(op >> 2 & 3));
  return test::seal({.version = kVersions[how & 3],
                     .keys_from = id,
                     .dcid = (op & 2) != 0 ? test::ByteVector(5, 0xee) : id,
                     .scid = {1},
                     .token = test::ByteVector((how & 4) != 0 ? 3 : 0, 7),
                     .number = number,
                     .number_bytes = 1U + (how >> 3 & 3U),
                     .from_server = (op & 0x40) != 0,
                     .frames = {bytes.begin(), bytes.end()},
                     .pad_frames_to = 4});
}

class Run {
 public:
  void read(const test::ByteVector& payload, std::uint8_t op, bool all_sealed_by_server) {
    const auto port = static_cast<std::uint16_t>(1000 + (op >> 4 & 3));
    const bool server = (op & 0x40) != 0;
    const test::UdpDatagram datagram = server ? test::UdpDatagram({2, 2, 2, 2}, 443, {1, 1, 1, 1}, port, payload)
                                              : test::UdpDatagram({1, 1, 1, 1}, port, {2, 2, 2, 2}, 443, payload);
    const std::uint64_t before = test::allocations();
    const Cause cause = reader_.read(datagram.view(), now_ns_, *name_);
    must(test::allocations() == before && reader_.half_read() <= kLimits.half_read);
    must((cause == Cause::None) == (name_->length > 0));
    must(!reader_.repeated() || cause == Cause::None);
    must(!all_sealed_by_server || cause != Cause::None);
  }
  void wait_s(unsigned seconds) { now_ns_ += seconds * std::uint64_t{1'000'000'000}; }

 private:
  QuicReader reader_{kLimits, 7};
  std::unique_ptr<WireName> name_ = std::make_unique<WireName>();
  std::uint64_t now_ns_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLargest = 2000;
  Run run;
  Cursor input(Bytes{data, size});
  test::ByteVector datagram;
  bool by_server = true;
  for (std::uint64_t step = 0; step < 64 && !input.empty(); ++step) {
    const std::uint8_t op = input.u8();
    const std::uint8_t how = input.u8();
    const std::size_t length = std::min<std::size_t>(input.be16(), kLargest);
    const test::ByteVector packet = packet_of(op, how, input.bytes(std::min(length, input.remaining())), step);
    datagram.insert(datagram.end(), packet.begin(), packet.end());
    by_server = by_server && (op & 0xc0) == 0xc0;
    run.wait_s(how >> 6);
    if ((op & 1) != 0 && datagram.size() < kLargest) continue;
    run.read(datagram, op, by_server);
    datagram.clear();
    by_server = true;
  }
  return 0;
}
