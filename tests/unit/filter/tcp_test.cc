#include <catch2/catch.hpp>

#include "tests/support/pipeline_rig.h"
#include "tests/support/reply_reader.h"

namespace sluice {
namespace {

using namespace test;

Endpoints https() {
  Endpoints e;
  e.dst_port = 443;
  return e;
}

Segment hello(std::string_view name, std::size_t padding = 0) {
  Segment s;
  s.payload = tls_client_hello(name, padding);
  return s;
}

Segment part(const Segment& whole, std::size_t from, std::size_t n) {
  Segment s = whole;
  s.seq = whole.seq + static_cast<std::uint32_t>(from);
  s.payload.assign(whole.payload.begin() + static_cast<std::ptrdiff_t>(from),
                   whole.payload.begin() + static_cast<std::ptrdiff_t>(from + n));
  return s;
}

Segment syn() {
  return {.seq = 999, .ack = 0, .flags = 2, .options = {}, .payload = {}};
}

ReadPacket reply(const PipelineRig& rig, std::size_t i) {
  const Reply& r = rig.pipeline->replies()[i];
  return read_reply({r.bytes.data(), r.len});
}

/// SYN, SYN and ACK, ACK.
void shake_hands(PipelineRig& rig, const Endpoints& e) {
  rig.one(tcp_frame(e, syn()));
  rig.one(tcp_frame(e.reversed(), {.seq = 4999, .ack = 1000, .flags = 0x12, .options = {}, .payload = {}}),
          Side::Internet);
  rig.one(tcp_frame(e, {.seq = 1000, .ack = 5000, .flags = 0x10, .options = {}, .payload = {}}));
}

TEST_CASE("filter: a ClientHello for a blocked name is dropped and both sides are reset, with no table before it") {
  for (const std::uint16_t port : {std::uint16_t{443}, std::uint16_t{8443}, std::uint16_t{25}}) {
    PipelineRig rig;
    Endpoints e = https();
    e.dst_port = port;
    const Segment s = hello("www.bad.example");
    const Verdict v = rig.one(tcp_frame(e, s));
    CHECK(v.fate == Fate::Drop);
    CHECK(v.order == rig.order("A-100"));
    REQUIRE(rig.pipeline->replies().size() == 2);
    CHECK(rig.pipeline->replies()[0].out == Side::Subscriber);
    CHECK(reply(rig, 0).seq == s.ack);
    CHECK(reply(rig, 0).dst == e.src);
    CHECK(rig.pipeline->replies()[1].out == Side::Internet);
    CHECK(reply(rig, 1).seq == s.seq);
    CHECK(reply(rig, 1).dst == e.dst);
    CHECK(rig.hits("A-100").blocked == 1);
    CHECK(rig.counters->blocked[static_cast<std::size_t>(Method::Sni)] == 1);
  }
}

TEST_CASE("filter: a tombstone drops what follows in both directions for as long as policy says") {
  PipelineRig rig;
  const Buffer blocked = tcp_frame(https(), hello("bad.example"));
  const Buffer data = tcp_frame(https().reversed(), {.seq = 5000, .options = {}, .payload = {1, 2, 3}});
  CHECK(rig.one(data, Side::Internet).fate == Fate::Forward);
  rig.one(blocked);
  for (const auto& [frame, side] : {std::pair{blocked, Side::Subscriber}, std::pair{data, Side::Internet}}) {
    const Verdict v = rig.one(frame, side);
    CHECK(v.fate == Fate::Drop);
    CHECK(v.cause == Cause::Tombstone);
    CHECK(rig.pipeline->replies().empty());
  }
  CHECK(rig.hits("A-100").blocked == 1);
  CHECK(rig.names(Method::Sni) == 1);
  Endpoints other = https();
  other.src_port = 40001;
  CHECK(rig.one(tcp_frame(other.reversed(), {}), Side::Internet).fate == Fate::Forward);
  rig.wait_s(59);
  CHECK(rig.one(data, Side::Internet).fate == Fate::Drop);
  rig.wait_s(1);
  CHECK(rig.one(data, Side::Internet).fate == Fate::Forward);
}

TEST_CASE(
    "filter: a tombstone holds within the burst that set it; a new connection goes on, the old SYN does not lift it") {
  PipelineRig rig;
  const Buffer blocked = tcp_frame(https(), hello("bad.example"));
  Segment other = hello("fine.example");
  const auto reconnect = [&](std::uint32_t isn) {
    other.seq = isn + 1;
    rig.run({tcp_frame(https(), {.seq = isn, .ack = 0, .flags = 2, .options = {}, .payload = {}}),
             tcp_frame(https(), other)});
    return rig.pipeline->verdicts()[0].fate == Fate::Forward && rig.pipeline->verdicts()[1].fate == Fate::Forward;
  };
  rig.run({blocked, blocked, tcp_frame(https(), syn())});
  const auto v = rig.pipeline->verdicts();
  CHECK(v[0].order == rig.order("A-100"));
  CHECK(v[1].cause == Cause::Tombstone);
  CHECK(v[2].cause == Cause::Tombstone);
  CHECK(rig.pipeline->replies().size() == 2);
  CHECK(reconnect(0x40000000));  // anywhere
  CHECK(rig.one(blocked).cause == Cause::Tombstone);
  CHECK(reconnect(1500));  // hardly further than the old one
}

/// The packets of an attacker, who knows addresses and ports of a neighbour but not where its stream stands.
Verdict spoof(PipelineRig& rig, bool with_syn) {
  Segment spoofed = hello("bad.example");
  spoofed.seq += 10'000'000;
  spoofed.ack = 77'000'000;
  if (with_syn) {
    spoofed.flags = 2;
    spoofed.ack = 0;
  }
  return rig.one(tcp_frame(https(), spoofed));
}

TEST_CASE("filter: what is sent in a neighbour's name does not close its connection, its start seen or not") {
  for (const bool start_seen : {true, false}) {
    for (const bool with_syn : {true, false}) {
      PipelineRig rig;
      if (start_seen) shake_hands(rig, https());
      const Segment own = hello("fine.example");
      CHECK(rig.one(tcp_frame(https(), own)).fate == Fate::Forward);
      const Verdict spoofed = spoof(rig, with_syn);
      CHECK((spoofed.order == rig.order("A-100")) == with_syn);  // else it is no place for a ClientHello
      Segment next{.options = {}, .payload = Buffer(500, 0x17)};
      next.seq = own.seq + static_cast<std::uint32_t>(own.payload.size());
      CHECK(rig.one(tcp_frame(https(), next)).fate == Fate::Forward);
      const Segment answer{.seq = 5000, .ack = next.seq + 500, .options = {}, .payload = Buffer(500, 0x17)};
      CHECK(rig.one(tcp_frame(https().reversed(), answer), Side::Internet).fate == Fate::Forward);
    }
  }
}

TEST_CASE("filter: a neighbour's ClientHello is read after one that was spoofed in its name") {
  PipelineRig rig;
  shake_hands(rig, https());
  CHECK(spoof(rig, false).order == rig.order("A-100"));
  CHECK(rig.one(tcp_frame(https(), hello("own.example"))).order == rig.order("O-200"));
}

TEST_CASE("filter: after a 451 nothing of the client reaches the server, and no reset of the server the client") {
  Policy policy = PipelineRig::enforcing();
  policy.http = TcpAction::Alert;
  PipelineRig rig(policy);
  Endpoints e = https();
  e.dst_port = 80;
  shake_hands(rig, e);
  Segment bad;
  put(bad.payload, "GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n");
  REQUIRE(rig.one(tcp_frame(e, bad)).order == rig.order("A-100"));
  const ReadPacket page = reply(rig, 0);
  const auto behind = bad.seq + static_cast<std::uint32_t>(bad.payload.size());
  const auto page_end = page.seq + static_cast<std::uint32_t>(page.payload.size()) + 1;
  for (const std::uint8_t flags : {std::uint8_t{0x10}, std::uint8_t{0x11}, std::uint8_t{0x14}}) {  // ACK, FIN, RST
    CHECK(rig.one(tcp_frame(e, {.seq = behind, .ack = page_end, .flags = flags, .options = {}, .payload = {}})).cause ==
          Cause::Tombstone);
  }
  for (const Segment& reset : {Segment{.seq = 5000, .ack = behind, .flags = 0x14, .options = {}, .payload = {}},
                               Segment{.seq = page_end, .ack = 0, .flags = 4, .options = {}, .payload = {}},
                               Segment{.seq = 5000, .ack = bad.seq, .options = {}, .payload = Buffer(100, 'x')}}) {
    CHECK(rig.one(tcp_frame(e.reversed(), reset), Side::Internet).cause == Cause::Tombstone);
  }
}

TEST_CASE("filter: a tombstone does not outlive its order") {
  PipelineRig rig;
  rig.now.wall_s = kOrderExpires - 5;
  const Buffer blocked = tcp_frame(https(), hello("bad.example"));
  rig.one(blocked);
  rig.wait_s(4);
  CHECK(rig.one(blocked).fate == Fate::Drop);
  rig.wait_s(1);
  CHECK(rig.one(blocked).fate == Fate::Forward);
}

TEST_CASE("filter: alert tells the client and resets the server; drop is silent") {
  Policy policy = PipelineRig::enforcing();
  policy.tls = TcpAction::Alert;
  PipelineRig alerting(policy);
  alerting.one(tcp_frame(https(), hello("bad.example")));
  REQUIRE(alerting.pipeline->replies().size() == 2);
  CHECK(reply(alerting, 0).payload == Buffer{0x15, 3, 3, 0, 2, 2, 0x70});
  CHECK(reply(alerting, 1).flags == 0x14);
  policy.tls = TcpAction::Drop;
  PipelineRig silent(policy);
  CHECK(silent.one(tcp_frame(https(), hello("bad.example"))).fate == Fate::Drop);
  CHECK(silent.pipeline->replies().empty());
  CHECK(silent.one(tcp_frame(https(), hello("bad.example"))).cause == Cause::Tombstone);
}

TEST_CASE("filter: in observe mode TLS goes on, without a tombstone, and is counted once however often it is sent") {
  Policy policy = PipelineRig::enforcing();
  policy.mode = Mode::Observe;
  PipelineRig rig(policy);
  for (int i = 0; i < 3; ++i) {
    const Verdict v = rig.one(tcp_frame(https(), hello("bad.example")));
    CHECK(v.fate == Fate::Forward);
    CHECK(v.order == rig.order("A-100"));
    CHECK(rig.pipeline->names().size() == (i == 0 ? 1 : 0));
  }
  CHECK(rig.hits("A-100").observed == 1);
  CHECK(rig.names(Method::Sni) == 1);
}

TEST_CASE("filter: a ClientHello in two segments is read in any order, and the segment that completes it is dropped") {
  const Segment whole = hello("bad.example", 1500);
  const Segment head = part(whole, 0, 1400), tail = part(whole, 1400, whole.payload.size() - 1400);
  for (const bool in_order : {true, false}) {
    PipelineRig rig;
    shake_hands(rig, https());
    const Segment& first = in_order ? head : tail;
    const Segment& last = in_order ? tail : head;
    const Verdict kept = rig.one(tcp_frame(https(), first));
    CHECK(kept.fate == Fate::Forward);
    CHECK(kept.cause == Cause::TlsIncomplete);
    const Verdict v = rig.one(tcp_frame(https(), last));
    CHECK(v.fate == Fate::Drop);
    CHECK(v.order == rig.order("A-100"));
    REQUIRE(rig.pipeline->replies().size() == 2);
    CHECK(reply(rig, 1).seq == last.seq);
    CHECK(rig.one(tcp_frame(https(), first)).cause == Cause::Tombstone);
  }
}

TEST_CASE("filter: a head in order needs no SYN; a tail before it does") {
  const Segment whole = hello("bad.example", 1500);
  const Segment head = part(whole, 0, 1400), tail = part(whole, 1400, whole.payload.size() - 1400);
  PipelineRig rig;
  rig.one(tcp_frame(https(), head));
  CHECK(rig.one(tcp_frame(https(), tail)).order == rig.order("A-100"));
  PipelineRig late;
  late.one(tcp_frame(https(), tail));
  CHECK(late.one(tcp_frame(https(), head)).fate == Fate::Forward);
}

TEST_CASE(
    "filter: a ClientHello in segments of one byte is read, and other bytes sent again for its place do not hide it") {
  const Segment whole = hello("bad.example");
  PipelineRig rig;
  shake_hands(rig, https());
  bool dropped = false;
  for (std::size_t i = 0; i < whole.payload.size() && !dropped; ++i) {
    if (i == 20) {
      Segment garbage = part(whole, 0, 20);
      std::fill(garbage.payload.begin(), garbage.payload.end(), std::uint8_t{0x55});
      CHECK(rig.one(tcp_frame(https(), garbage)).fate == Fate::Forward);
    }
    dropped = rig.one(tcp_frame(https(), part(whole, i, 1))).order == rig.order("A-100");
  }
  CHECK(dropped);
  // The alternative: garbage first. The whole hello in one segment is then read by itself.
  PipelineRig decoy;
  shake_hands(decoy, https());
  decoy.one(tcp_frame(https(), {.options = {}, .payload = {22, 3, 1}}));
  Segment garbage{.options = {}, .payload = {2, 0, 1, 0, 1, 0xff, 3, 3}};
  garbage.payload.resize(60, 0xff);
  garbage.seq = 1003;
  CHECK(decoy.one(tcp_frame(https(), garbage)).fate == Fate::Forward);
  CHECK(decoy.one(tcp_frame(https(), whole)).order == decoy.order("A-100"));
}

TEST_CASE("filter: a split name is given once, also when its segments are sent again") {
  const Segment whole = hello("fine.example", 1500);
  const Segment head = part(whole, 0, 1400), tail = part(whole, 1400, whole.payload.size() - 1400);
  PipelineRig rig;
  shake_hands(rig, https());
  for (const Segment& s : {tail, head, head, tail, whole, tail}) rig.one(tcp_frame(https(), s));
  CHECK(rig.names(Method::Sni) == 1);
}

TEST_CASE("filter: streams that begin otherwise are not kept, and their bytes are not taken for names") {
  PipelineRig rig;
  shake_hands(rig, https());
  Segment ssh;
  put(ssh.payload, "SSH-2.0-OpenSSH_9.2\r\n");
  CHECK(rig.one(tcp_frame(https(), ssh)).cause == Cause::TlsNotHello);
  Segment upload;
  upload.seq = 3000;
  put(upload.payload, "Some Text that was uploaded");
  CHECK(rig.one(tcp_frame(https(), upload)).cause == Cause::None);
  CHECK(rig.names(Method::Http) == 0);
}

TEST_CASE("filter: HTTP is read at every segment that begins with a request") {
  PipelineRig rig;
  Endpoints e = https();
  e.dst_port = 80;
  shake_hands(rig, e);
  Segment fine;
  put(fine.payload, "GET / HTTP/1.1\r\nHost: fine.example\r\n\r\n");
  CHECK(rig.one(tcp_frame(e, fine)).fate == Fate::Forward);
  Segment bad;
  bad.seq = 1000 + static_cast<std::uint32_t>(fine.payload.size());
  put(bad.payload, "POST /x HTTP/1.1\r\nHost: www.bad.example:80\r\n\r\n");
  CHECK(rig.one(tcp_frame(e, bad)).order == rig.order("A-100"));
  CHECK(rig.pipeline->replies().size() == 2);
  CHECK(reply(rig, 0).flags == 0x14);
  CHECK(rig.names(Method::Http) == 2);
}

TEST_CASE("filter: 451 only for the first request of a connection whose handshake was seen in full") {
  Policy policy = PipelineRig::enforcing();
  policy.http = TcpAction::Alert;
  Endpoints e = https();
  e.dst_port = 80;
  Segment bad;
  put(bad.payload, "GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n");
  {
    PipelineRig rig(policy);
    shake_hands(rig, e);
    rig.one(tcp_frame(e, syn()));  // a late copy
    rig.one(tcp_frame(e, bad));
    REQUIRE(rig.pipeline->replies().size() == 2);
    const ReadPacket page = reply(rig, 0);
    CHECK(page.flags == 0x19);
    CHECK(std::string(page.payload.begin(), page.payload.end()).find("Order: A-100") != std::string::npos);
    CHECK(reply(rig, 1).flags == 0x14);
  }
  {
    PipelineRig spoofed(policy);  // SYN and request, but no answer of the server was seen: anybody could send these
    spoofed.one(tcp_frame(e, syn()));
    spoofed.one(tcp_frame(e, bad));
    CHECK(reply(spoofed, 0).flags == 0x14);
    CHECK(reply(spoofed, 0).payload.empty());
  }
  {
    PipelineRig guessed(policy);  // the server's answer was seen, but not by who sends the request
    guessed.one(tcp_frame(e, syn()));
    guessed.one(tcp_frame(e.reversed(), {.seq = 777, .ack = 1000, .flags = 0x12, .options = {}, .payload = {}}),
                Side::Internet);
    guessed.one(tcp_frame(e, bad));
    CHECK(reply(guessed, 0).payload.empty());
  }
}

TEST_CASE("filter: data in a SYN is read, and the client is reset as by a closed port") {
  PipelineRig rig;
  Segment fast = hello("bad.example");
  fast.flags = 2;
  fast.ack = 0;
  CHECK(rig.one(tcp_frame(https(), fast)).order == rig.order("A-100"));
  REQUIRE(rig.pipeline->replies().size() == 1);
  CHECK(reply(rig, 0).seq == 0);
  CHECK(reply(rig, 0).ack == fast.seq + 1 + fast.payload.size());
}

TEST_CASE("filter: names are read from both sides of a capture") {
  Policy policy;
  policy.read_both_sides = true;
  PipelineRig rig(policy);
  CHECK(rig.one(tcp_frame(https(), hello("bad.example")), Side::Internet).order == rig.order("A-100"));
  CHECK(rig.pipeline->names().size() == 1);
}

}  // namespace
}  // namespace sluice
