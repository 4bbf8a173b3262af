#include <catch2/catch.hpp>

#include "tests/support/pipeline_rig.h"
#include "tests/support/quic_sealer.h"

namespace sluice {
namespace {

using namespace test;

Endpoints h3(std::uint16_t port = 443) {
  Endpoints e;
  e.dst_port = port;
  return e;
}

/// The CRYPTO bytes [from, to) of a ClientHello in one datagram of 1200 bytes or more.
Buffer initial(std::string_view name, std::size_t filler, std::size_t from, std::size_t to, std::uint64_t number = 0,
               bool fixed_bit = true, std::uint16_t port = 443, std::uint32_t version = 1) {
  const ByteVector hello = client_hello(name, filler);
  to = std::min(to, hello.size());
  InitialToSeal seal_me;
  seal_me.keys_from = seal_me.dcid = {1, 2, 3, 4, 5, 6, 7, 8};
  seal_me.number = number;
  seal_me.fixed_bit = fixed_bit;
  append_crypto(seal_me.frames, from, Bytes(hello).subspan(from, to - from));
  seal_me.pad_frames_to = 1180;
  seal_me.version = version;
  return udp_frame(h3(port), seal(seal_me));
}

TEST_CASE("filter: a blocked QUIC handshake is dropped without an answer, and so is the rest of its connection") {
  PipelineRig rig;
  const Verdict v = rig.one(initial("www.bad.example", 0, 0, 5000));
  CHECK(v.fate == Fate::Drop);
  CHECK(v.order == rig.order("A-100"));
  CHECK(rig.pipeline->replies().empty());
  CHECK(rig.names(Method::Quic) == 1);
  CHECK(rig.counters->blocked[static_cast<std::size_t>(Method::Quic)] == 1);
  const Buffer short_header(40, 0x41);
  CHECK(rig.one(udp_frame(h3(), short_header)).cause == Cause::Tombstone);
  CHECK(rig.one(udp_frame(h3().reversed(), short_header), Side::Internet).cause == Cause::Tombstone);
  Endpoints other = h3();
  other.src_port = 5;
  CHECK(rig.one(udp_frame(other, short_header)).fate == Fate::Forward);
}

TEST_CASE("filter: QUIC is read on any UDP port, that of DNS included, in every version that is spoken") {
  for (const std::uint16_t port : {std::uint16_t{443}, std::uint16_t{53}, std::uint16_t{853}, std::uint16_t{4433}}) {
    for (const std::uint32_t version : {0x00000001U, 0x6b3343cfU, 0xff00001dU}) {
      PipelineRig rig;
      const Verdict v = rig.one(initial("www.bad.example", 0, 0, 5000, 0, true, port, version));
      CAPTURE(port, version);
      CHECK(v.order == rig.order("A-100"));
      CHECK(rig.names(Method::Quic) == 1);
      CHECK(rig.pipeline->replies().empty());
    }
  }
}

TEST_CASE("filter: a client that greases the fixed bit (RFC 9287) is read like any other") {
  PipelineRig rig;
  const Verdict v = rig.one(initial("www.bad.example", 0, 0, 5000, 0, false));
  CHECK(v.fate == Fate::Drop);
  CHECK(v.order == rig.order("A-100"));
}

TEST_CASE("filter: a QUIC ClientHello in two Initials is read in any order") {
  const std::array<Buffer, 2> parts{initial("bad.example", 1500, 0, 1000, 0),
                                    initial("bad.example", 1500, 1000, 5000, 1)};
  for (const bool reversed : {false, true}) {
    PipelineRig rig;
    CHECK(rig.one(parts[reversed ? 1 : 0]).cause == Cause::QuicIncomplete);
    CHECK(rig.one(parts[reversed ? 0 : 1]).order == rig.order("A-100"));
  }
}

TEST_CASE("filter: a QUIC name is given once, however often its Initial is sent") {
  PipelineRig rig;
  for (int i = 0; i < 3; ++i) {
    CHECK(rig.one(initial("fine.example", 0, 0, 5000)).fate == Fate::Forward);
    CHECK(rig.pipeline->names().size() == (i == 0 ? 1 : 0));
  }
  CHECK(rig.names(Method::Quic) == 1);
}

/// An Initial of the connection that the client began with `id`, for the name.
Buffer initial_of(const ByteVector& id, std::string_view name) {
  const ByteVector hello = client_hello(name);
  InitialToSeal seal_me;
  seal_me.keys_from = seal_me.dcid = id;
  append_crypto(seal_me.frames, 0, hello);
  seal_me.pad_frames_to = 1180;
  return udp_frame(h3(), seal(seal_me));
}

TEST_CASE("filter: of several QUIC connections on the same addresses and ports the blocked one alone falls") {
  const ByteVector one(8, 1), two(8, 2), three(8, 3);
  const Buffer short_header(40, 0x41);
  PipelineRig rig;
  CHECK(rig.one(initial_of(one, "bad.example")).order == rig.order("A-100"));
  CHECK(rig.one(udp_frame(h3(), short_header)).cause == Cause::Tombstone);
  CHECK(rig.one(initial_of(two, "fine.example")).fate == Fate::Forward);
  CHECK(rig.one(udp_frame(h3(), short_header)).fate == Fate::Forward);
  CHECK(rig.one(udp_frame(h3().reversed(), short_header), Side::Internet).fate == Fate::Forward);
  CHECK(rig.one(initial_of(one, "bad.example")).cause == Cause::Tombstone);
  CHECK(rig.one(initial_of(three, "bad.example")).order == rig.order("A-100"));
  rig.run({initial_of(two, "fine.example"), initial_of(three, "bad.example"), udp_frame(h3(), short_header)});
  CHECK(rig.pipeline->verdicts()[0].fate == Fate::Forward);
  CHECK(rig.pipeline->verdicts()[1].cause == Cause::Tombstone);
  CHECK(rig.pipeline->verdicts()[2].fate == Fate::Forward);
}

TEST_CASE("filter: what follows a blocked QUIC handshake falls, whatever it carries and whichever ID it goes to") {
  PipelineRig rig;
  const ByteVector hello = client_hello("bad.example", 1500);
  InitialToSeal part;
  part.keys_from = part.dcid = ByteVector(8, 1);
  part.pad_frames_to = 1180;
  append_crypto(part.frames, 0, Bytes(hello).first(1000));
  CHECK(rig.one(udp_frame(h3(), seal(part))).cause == Cause::QuicIncomplete);
  part.dcid = ByteVector(8, 9);  // the server's
  part.number = 1;
  part.frames.clear();
  append_crypto(part.frames, 1000, Bytes(hello).subspan(1000));
  CHECK(rig.one(udp_frame(h3(), seal(part))).order == rig.order("A-100"));
  part.number = 2;
  CHECK(rig.one(udp_frame(h3(), seal(part))).cause == Cause::Tombstone);
  part.frames = {1};  // PING
  part.number = 3;
  CHECK(rig.one(udp_frame(h3(), seal(part))).cause == Cause::Tombstone);
  Buffer early{0xd0, 0, 0, 0, 1, 8, 1, 1, 1, 1, 1, 1, 1, 1, 0, 30};  // 0-RTT
  early.resize(46, 0x55);
  CHECK(rig.one(udp_frame(h3(), early)).cause == Cause::Tombstone);
}

TEST_CASE("filter: a QUIC client that is told of versions and begins again is read") {
  PipelineRig rig;
  Buffer unknown{0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 4, 1, 2, 3, 4, 0};
  unknown.resize(1200, 0);
  CHECK(rig.one(udp_frame(h3(), unknown)).cause == Cause::QuicVersion);
  const Buffer negotiation{0x80, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 1};
  CHECK(rig.one(udp_frame(h3().reversed(), negotiation), Side::Internet).fate == Fate::Forward);
  CHECK(rig.one(initial("bad.example", 0, 0, 5000)).order == rig.order("A-100"));
}

TEST_CASE("filter: observe counts a blocked QUIC handshake and lets it go on") {
  Policy policy = PipelineRig::enforcing();
  policy.mode = Mode::Observe;
  PipelineRig rig(policy);
  for (int i = 0; i < 2; ++i) CHECK(rig.one(initial("bad.example", 0, 0, 5000)).fate == Fate::Forward);
  CHECK(rig.hits("A-100").observed == 1);
}

}  // namespace
}  // namespace sluice
