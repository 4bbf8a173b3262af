#include <catch2/catch.hpp>

#include "tests/support/pipeline_rig.h"
#include "tests/support/reply_reader.h"

namespace sluice {
namespace {

using namespace test;

constexpr std::size_t kIpv4At = 14, kIpv4End = 34;

/// The IPv4 packet of a frame in pieces; `cut` is a multiple of 8.
std::vector<Buffer> fragmented(const Buffer& whole, std::size_t cut) {
  const std::size_t bytes = whole.size() - kIpv4End;
  std::vector<Buffer> pieces;
  for (std::size_t at = 0; at < bytes; at += cut) {
    const std::size_t n = std::min(cut, bytes - at);
    Buffer piece(whole.begin(), whole.begin() + kIpv4End);
    put(piece, Bytes{whole.data() + kIpv4End + at, n});
    store_be16(piece.data() + kIpv4At + 2, static_cast<std::uint16_t>(20 + n));
    store_be16(piece.data() + kIpv4At + 6, static_cast<std::uint16_t>(at / 8 | (at + n < bytes ? 0x2000 : 0)));
    store_be16(piece.data() + kIpv4At + 10, 0);
    store_be16(piece.data() + kIpv4At + 10, rfc1071({piece.data() + kIpv4At, 20}));
    pieces.push_back(piece);
  }
  return pieces;
}

Buffer blocked_query() {
  DnsAsk ask;
  ask.names = {"a-rather-long-label-so-that-it-splits.bad.example"};
  return dns_query_frame(ask);
}

TEST_CASE("filter: the fragment that completes a blocked query is dropped and answered, in any order") {
  for (const bool reversed : {false, true}) {
    PipelineRig rig;
    std::vector<Buffer> pieces = fragmented(blocked_query(), 40);
    REQUIRE(pieces.size() == 2);
    if (reversed) std::swap(pieces[0], pieces[1]);
    const Verdict first = rig.one(pieces[0]);
    CHECK(first.fate == Fate::Forward);
    CHECK(first.cause == Cause::Fragment);
    const Verdict last = rig.one(pieces[1]);
    CHECK(last.fate == Fate::Drop);
    CHECK(last.order == rig.order("A-100"));
    REQUIRE(rig.pipeline->replies().size() == 1);
    const Reply& r = rig.pipeline->replies()[0];
    CHECK(read_reply({r.bytes.data(), r.len}).dst == Buffer{10, 1, 2, 3});
    CHECK(rig.one(pieces[0]).fate == Fate::Drop);
  }
}

TEST_CASE("filter: an answer is measured against the fragment that came, not against the datagram it completes") {
  Policy policy = PipelineRig::enforcing();
  policy.credit_bytes = policy.credit_bytes_per_s = 0;
  PipelineRig rig(policy);
  const std::vector<Buffer> pieces = fragmented(blocked_query(), 64);
  rig.one(pieces[0]);
  std::size_t out = 0;
  for (int i = 0; i < 50; ++i) {
    CHECK(rig.one(pieces[1]).fate == Fate::Drop);
    for (const Reply& r : rig.pipeline->replies()) out += r.len;
  }
  CHECK(out <= 50 * pieces[1].size());
  CHECK(rig.cause(Cause::ReplyTooLarge) > 25);
}

TEST_CASE("filter: a fragmented ClientHello falls with its last fragment") {
  PipelineRig rig;
  Endpoints e;
  e.dst_port = 443;
  Segment s;
  s.payload = tls_client_hello("bad.example", 200);
  const std::vector<Buffer> pieces = fragmented(tcp_frame(e, s), 256);
  REQUIRE(pieces.size() == 2);
  rig.one(pieces[0]);
  CHECK(rig.one(pieces[1]).order == rig.order("A-100"));
  CHECK(rig.pipeline->replies().size() == 2);
  CHECK(rig.one(tcp_frame(e, s)).cause == Cause::Tombstone);
}

}  // namespace
}  // namespace sluice
