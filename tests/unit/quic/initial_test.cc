#include "dataplane/quic/initial.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/mutations.h"
#include "tests/support/quic_sealer.h"

using namespace sluice;
using test::ByteVector;
using test::from_hex;

namespace {

const ByteVector kDcid = from_hex("8394c8f03e515708");

// The CRYPTO frame of RFC 9001 A.2 and RFC 9369 A.2.
const ByteVector kClientFrames = from_hex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c0000000"
    "10000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e00050005010000000000"
    "3300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04"
    "03050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff08011001"
    "04800075300901100f088394c8f03e51570806048000ffff");

// RFC 9001 A.3, as sent.
const ByteVector kServerPacket = from_hex(
    "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4c"
    "f73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7a"
    "af2f58891850abbdca3d20398c276456cbc42158407dd074ee");

test::InitialToSeal client_initial(QuicVersion version) {
  return {.version = static_cast<std::uint32_t>(version),
          .keys_from = kDcid,
          .dcid = kDcid,
          .scid = {},
          .token = {},
          .number = 2,
          .frames = kClientFrames,
          .pad_frames_to = 1162};
}

struct Opening {
  Cause cause = Cause::None;
  QuicNext next = QuicNext::End;
  InitialPacket packet;  ///< views into the datagram
  bool opened = false;
  ByteVector frames;
  std::uint64_t number = 0;
};

Opening open_first(Bytes datagram, Bytes keys_from, QuicSender sender = QuicSender::Client,
                   std::uint64_t expected_number = 0) {
  static InitialOpener opener;
  Opening out;
  Cursor c(datagram);
  out.cause = next_packet(c, out.packet, out.next);
  if (out.cause != Cause::None || out.next != QuicNext::Initial) return out;
  InitialKeys keys;
  opener.derive(out.packet.version, keys_from, sender, keys);
  ByteVector plain(out.packet.packet.size());
  InitialOpener::Opened opened;
  out.opened = opener.open(out.packet, keys, expected_number, plain, opened);
  if (out.opened) out.frames.assign(opened.frames.begin(), opened.frames.end());
  out.number = opened.number;
  return out;
}

ByteVector padded(ByteVector frames, std::size_t bytes) {
  frames.resize(bytes);
  return frames;
}

template <std::size_t N>
ByteVector bytes_of(const std::array<std::uint8_t, N>& array) {
  return {array.begin(), array.end()};
}

}  // namespace

TEST_CASE("initial: keys of RFC 9001 A.1") {
  InitialOpener opener;
  InitialKeys keys;
  opener.derive(QuicVersion::V1, kDcid, QuicSender::Client, keys);
  CHECK(bytes_of(keys.key) == from_hex("1f369613dd76d5467730efcbe3b1a22d"));
  CHECK(bytes_of(keys.iv) == from_hex("fa044b2f42a3fd3b46fb255c"));
  CHECK(bytes_of(keys.header) == from_hex("9f50449e04a0e810283a1e9933adedd2"));
  opener.derive(QuicVersion::V1, kDcid, QuicSender::Server, keys);
  CHECK(bytes_of(keys.key) == from_hex("cf3a5331653c364c88f0f379b6067e37"));
  CHECK(bytes_of(keys.iv) == from_hex("0ac1493ca1905853b0bba03e"));
  CHECK(bytes_of(keys.header) == from_hex("c206b8d9b9f0f37644430b490eeaa314"));
}

TEST_CASE("initial: keys of RFC 9369 A.1") {
  InitialOpener opener;
  InitialKeys keys;
  opener.derive(QuicVersion::V2, kDcid, QuicSender::Client, keys);
  CHECK(bytes_of(keys.key) == from_hex("8b1a0bc121284290a29e0971b5cd045d"));
  CHECK(bytes_of(keys.iv) == from_hex("91f73e2351d8fa91660e909f"));
  CHECK(bytes_of(keys.header) == from_hex("45b95e15235d6f45a6b19cbcb0294ba9"));
}

TEST_CASE("initial: opens the client's packet of RFC 9001 A.2") {
  const ByteVector packet = test::seal(client_initial(QuicVersion::V1));
  REQUIRE(packet.size() == 1200);
  CHECK(ByteVector(packet.begin(), packet.begin() + 32) ==
        from_hex("c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"));
  CHECK(ByteVector(packet.end() - 16, packet.end()) == from_hex("e221af44860018ab0856972e194cd934"));
  const Opening got = open_first(packet, kDcid);
  REQUIRE(got.opened);
  CHECK(got.number == 2);
  CHECK(got.frames == padded(kClientFrames, 1162));
}

TEST_CASE("initial: opens the client's packet of RFC 9369 A.2") {
  const ByteVector packet = test::seal(client_initial(QuicVersion::V2));
  REQUIRE(packet.size() == 1200);
  CHECK(ByteVector(packet.begin(), packet.begin() + 32) ==
        from_hex("d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485"));
  CHECK(ByteVector(packet.end() - 16, packet.end()) == from_hex("a18b2faa745b6fe189cf772a9f84cbfc"));
  const Opening got = open_first(packet, kDcid);
  REQUIRE(got.opened);
  CHECK(got.frames == padded(kClientFrames, 1162));
}

TEST_CASE("initial: opens the server's packet of RFC 9001 A.3 with the server's keys alone") {
  const Opening got = open_first(kServerPacket, kDcid, QuicSender::Server);
  REQUIRE(got.opened);
  CHECK(got.number == 1);
  CHECK(got.frames.size() == 99);
  CHECK_FALSE(open_first(kServerPacket, kDcid, QuicSender::Client).opened);
}

TEST_CASE("initial: draft 29 has its own salt") {
  const ByteVector packet = test::seal(client_initial(QuicVersion::Draft29));
  CHECK(open_first(packet, kDcid).opened);
}

TEST_CASE("initial: every length of packet number and every connection ID length opens") {
  for (unsigned number_bytes = 1; number_bytes <= 4; ++number_bytes) {
    for (std::size_t id = 0; id <= 20; ++id) {
      test::InitialToSeal initial = client_initial(QuicVersion::V1);
      initial.dcid = initial.keys_from = ByteVector(id, 7);
      initial.scid = ByteVector(20 - id, 8);
      initial.token = ByteVector(id * 10, 9);
      initial.number_bytes = number_bytes;
      CAPTURE(number_bytes, id);
      const ByteVector packet = test::seal(initial);
      const Opening got = open_first(packet, initial.dcid);
      REQUIRE(got.opened);
      CHECK(ByteVector(got.packet.token.begin(), got.packet.token.end()) == initial.token);
    }
  }
}

TEST_CASE("initial: a truncated packet number is completed from the one expected (RFC 9000 A.3)") {
  test::InitialToSeal initial = client_initial(QuicVersion::V1);
  initial.number_bytes = 1;
  initial.number = 256;
  const ByteVector packet = test::seal(initial);
  CHECK_FALSE(open_first(packet, kDcid).opened);
  const Opening got = open_first(packet, kDcid, QuicSender::Client, 200);
  CHECK(got.opened);
  CHECK(got.number == 256);
  initial.number = 250;
  CHECK(open_first(test::seal(initial), kDcid, QuicSender::Client, 260).number == 250);
  initial.number_bytes = 2;
  initial.number = 0xa82f9b32;
  CHECK(open_first(test::seal(initial), kDcid, QuicSender::Client, 0xa82f30eb).number == 0xa82f9b32);
}

TEST_CASE(
    "initial: no truncated or changed packet opens, whatever byte it is, but for the bits that are not there to "
    "check") {
  test::InitialToSeal initial = client_initial(QuicVersion::V1);
  initial.pad_frames_to = 0;
  initial.scid = {1, 2, 3};
  initial.token = {4, 5};
  const ByteVector packet = test::seal(initial);
  std::size_t opened = 0;
  test::for_each_mutation(packet, [&](Bytes b) { opened += open_first(b, kDcid).opened ? 1 : 0; });
  CHECK(opened == 1);  // the packet itself, as the last of its truncations
}

TEST_CASE("initial: other long headers are told apart and skipped over") {
  const ByteVector initial = test::seal(client_initial(QuicVersion::V1));
  const auto next_of = [](const ByteVector& datagram) { return open_first(datagram, kDcid).next; };
  CHECK(next_of(initial) == QuicNext::Initial);
  for (const std::string_view type : {"d0", "e0"}) {  // 0-RTT, Handshake, then an Initial behind it
    ByteVector datagram = from_hex(std::string(type) + "00000001" + "00" + "00" + "05" + "0102030405");
    datagram.insert(datagram.end(), initial.begin(), initial.end());
    Cursor c{Bytes(datagram)};
    InitialPacket packet;
    QuicNext next;
    REQUIRE(next_packet(c, packet, next) == Cause::None);
    CHECK(next == QuicNext::Other);
    REQUIRE(next_packet(c, packet, next) == Cause::None);
    CHECK(next == QuicNext::Initial);
    CHECK(packet.packet.size() == 1200);
  }
  CHECK(next_of(from_hex("f000000001"
                         "0401020304"
                         "00"
                         "aabbcc")) == QuicNext::End);  // Retry
  CHECK(next_of(from_hex("c06b3343cf"
                         "0401020304"
                         "00"
                         "aabbcc")) == QuicNext::End);  // Retry of v2
  CHECK(next_of(from_hex("8000000000"
                         "0401020304"
                         "00"
                         "00000001")) == QuicNext::End);  // negotiation
  CHECK(next_of(from_hex("4000000001"
                         "0401020304"
                         "00"
                         "00000001")) == QuicNext::End);  // short header
  CHECK(open_first(from_hex("c01a2a3a4a"
                            "0000"),
                   {})
            .cause == Cause::QuicVersion);
}

TEST_CASE("initial: a long header whose lengths do not fit is refused") {
  for (const std::string_view bad : {"c000000001"
                                     "15"
                                     "000000000000000000000000000000000000000000"
                                     "00"
                                     "00"
                                     "05"
                                     "0102030405",  // ID of 21
                                     "c000000001"
                                     "00"
                                     "00"
                                     "00"
                                     "05"
                                     "01020304",  // length beyond
                                     "c000000001"
                                     "00"
                                     "00"
                                     "05"
                                     "0102",  // token beyond
                                     "c000000001"
                                     "00"
                                     "00"
                                     "00"
                                     "13"
                                     "00000000000000000000000000000000000000",  // no room for sample
                                     "c000000001"
                                     "05"
                                     "0102",
                                     "c00000"}) {
    CAPTURE(bad);
    CHECK(open_first(from_hex(bad), {}).cause == Cause::QuicBadHeader);
  }
}

TEST_CASE("initial: what could be QUIC is told by its first five bytes") {
  CHECK(looks_like_quic(from_hex("c0000000010000")));
  CHECK(looks_like_quic(from_hex("80000000010000")));  // greased bit (RFC 9287)
  CHECK(looks_like_quic(from_hex("c06b3343cf0000")));
  CHECK(looks_like_quic(from_hex("c01a2a3a4a0000")));
  CHECK(looks_like_quic(from_hex("c0ff0000220000")));
  CHECK_FALSE(looks_like_quic(from_hex("40000000010000")));
  CHECK_FALSE(looks_like_quic(from_hex("c0000000000000")));
  CHECK_FALSE(looks_like_quic(from_hex("80601234567890")));  // RTP
  CHECK_FALSE(looks_like_quic(from_hex("c00000000100")));
  CHECK_FALSE(looks_like_quic({}));
}

namespace {
struct Walked {
  Cause cause;
  std::string text;  ///< "offset:length " of each CRYPTO frame
};
Walked walk(std::string_view hex) {
  const ByteVector frames = from_hex(hex);
  Walked out;
  out.cause = walk_initial_frames(frames, [&](std::uint64_t offset, Bytes data) {
    out.text += std::to_string(offset) + ":" + std::to_string(data.size()) + " ";
  });
  return out;
}
}  // namespace

TEST_CASE("initial frames: CRYPTO ranges come out from between all other frames that may stand there") {
  const Walked got = walk(
      "0001"
      "02000001000102"
      "034001000000010203"
      "060002aabb"
      "1c0a060161"
      "4006400201cc"
      "00");
  CHECK(got.cause == Cause::None);
  CHECK(got.text == "0:2 2:1 ");
}

TEST_CASE("initial frames: a forbidden or cut frame is an error, after what came before it") {
  for (const std::string_view bad : {"060001aa08", "060001aa1d000000", "060001aa06000201", "060001aa0200",
                                     "060001aa02000040ff00", "060001aa1c0a0605", "060001aaff"}) {
    CAPTURE(bad);
    const Walked got = walk(bad);
    CHECK(got.cause == Cause::QuicBadFrame);
    CHECK(got.text == "0:1 ");
  }
}
