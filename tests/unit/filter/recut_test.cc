#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/support/client_stream.h"
#include "tests/support/messages.h"
#include "tests/support/recut.h"

namespace sluice {
namespace {

using namespace test;
using Names = std::vector<std::string>;

/// What a client sends over one connection. It waits for the server between two phases: their bytes do not overtake
/// each other.
struct Conversation {
  std::uint16_t port = 443;
  bool in_order = false;
  Buffer bytes;
  std::vector<std::size_t> phase_ends;
  Names names;

  void phase(const Buffer& more) {
    put(bytes, more);
    phase_ends.push_back(bytes.size());
  }
};

std::string any_name(Recut& recut) {
  return "host" + std::to_string(recut.below(100'000)) + ".site" + std::to_string(recut.below(1000)) + ".example";
}

Octets grease(Recut& recut) {
  const unsigned value = static_cast<unsigned>(recut.below(16)) * 0x1010 + 0x0a0a;
  return tls_extension(value, {});
}

/// Extensions as the clients of 2026 send them: browsers with a post-quantum key share, GREASE, ECH and in any order;
/// libraries plainer; old ones with little more than the name. All in records of any size.
Buffer any_hello(Recut& recut, std::string_view name) {
  const unsigned kind = static_cast<unsigned>(recut.below(3));
  const std::size_t key_share = kind == 0 ? 1216 + 32 : 32;
  std::vector<Octets> extensions{tls_server_name(name), tls_extension(10, with_len16({0, 29, 0, 23})),
                                 tls_extension(16, with_len16(with_len8(text("h2"))))};
  if (kind < 2) {
    extensions.push_back(tls_extension(51, with_len16(join({be16(29), with_len16(Octets(key_share, 0x16))}))));
    extensions.push_back(tls_extension(43, {2, 3, 4}));
  }
  if (kind == 0) {
    extensions.push_back(tls_extension(0xfe0d, Octets(200, 3)));
    std::ranges::shuffle(extensions, recut.random());
    extensions.insert(extensions.begin(), grease(recut));
    extensions.push_back(grease(recut));
  }
  Octets all;
  for (const Octets& extension : extensions) put(all, extension);
  return tls_records(client_hello_with(all), recut.one_in(3) ? 1 + recut.below(300) : 1 << 14);
}

Buffer any_request(Recut& recut, std::string_view name) {
  static const std::vector<std::string> kHeads{"GET /", "POST /form", "HEAD /x", "PUT /y", "OPTIONS *"};
  const std::size_t body = recut.one_in(4) ? recut.below(3000) : 0;
  std::string head = kHeads[recut.below(kHeads.size())] + " HTTP/1.1\r\n";
  if (recut.one_in(2)) head += "Cookie: " + std::string(recut.below(2000), 'c') + "\r\n";
  head += (recut.one_in(2) ? "Host: " : "hOST:") + std::string(name) + "\r\n";
  if (body > 0) head += "Content-Length: " + std::to_string(body) + "\r\n";
  return text_bytes(head + "Accept: */*\r\n\r\n" + std::string(body, 'b'));
}

Buffer any_query(Recut& recut, std::string_view name) {
  DnsAsk ask;
  ask.id = static_cast<std::uint16_t>(0x100 + recut.below(0xf000));
  ask.names = {std::string(name)};
  ask.edns = recut.one_in(2);
  ask.options = Buffer(4 * recut.below(30), 0);
  return dns_over_tcp(ask);
}

Conversation any_conversation(Recut& recut) {
  Conversation c;
  const auto name = [&] { return c.names.emplace_back(any_name(recut)); };
  switch (recut.below(6)) {
    case 0:
    case 1: c.phase(any_hello(recut, name())); break;
    case 2: {  // HelloRetryRequest
      c.phase(any_hello(recut, name()));
      c.phase(joined({{20, 3, 3, 0, 1, 1}, any_hello(recut, c.names[0])}));
      break;
    }
    case 3:
      c.port = 80;
      for (std::size_t n = 1 + recut.below(4); n > 0; --n) c.phase(any_request(recut, name()));
      if (recut.one_in(2)) c.phase_ends = {c.bytes.size()};  // pipelined
      break;
    case 4:
      c.port = 53;
      for (std::size_t n = 1 + recut.below(20); n > 0; --n) c.phase(any_query(recut, name()));
      c.phase_ends = {c.bytes.size()};
      break;
    default:
      c.port = 3128;
      c.phase(text_bytes("CONNECT " + name() + ":443 HTTP/1.1\r\n\r\n"));
      c.phase(any_hello(recut, name()));
  }
  return c;
}

/// The names that a pipeline reads of a conversation, recut.
Names read_recut(PipelineRig& rig, ClientStream& stream, const Conversation& c, Recut& recut) {
  Names names;
  std::vector<Buffer> burst;
  const auto flush = [&] {
    rig.run(burst);
    for (const NameSeen& seen : rig.pipeline->names()) names.emplace_back(seen.name.text());
    burst.clear();
  };
  std::size_t begin = 0;
  for (const std::size_t end : c.phase_ends) {
    for (const Piece& piece : recut.pieces(Bytes(c.bytes).first(end), begin, c.in_order)) {
      burst.push_back(stream.frame(static_cast<std::uint32_t>(piece.at), piece.bytes));
      if (burst.size() == kMaxBurst || recut.one_in(4)) flush();
    }
    begin = end;
  }
  flush();
  return names;
}

TEST_CASE("filter: however a client's stream is cut, ordered, repeated and overlapped, each name is read once") {
  const char* given = std::getenv("SLUICE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  WARN("SLUICE_SEED=" << seed);
  PipelineLimits limits = PipelineRig::small_limits();
  limits.half_bytes_per_flow = 32 << 10;
  PipelineRig rig(PipelineRig::enforcing(), PipelineRig::example_feeds(), limits);
  for (std::uint64_t round = 0; round < 20'000; ++round) {
    Recut recut(seed + round);
    Conversation c = any_conversation(recut);
    ClientStream stream(rig, c.port, static_cast<std::uint16_t>(1024 + round % 60'000),
                        static_cast<std::uint32_t>(recut.random()()));
    stream.shake_hands();
    Names names = read_recut(rig, stream, c, recut);
    std::ranges::sort(names);
    std::ranges::sort(c.names);
    if (names == c.names) continue;
    CAPTURE(seed, round, c.port, c.bytes.size());
    CHECK(names == c.names);
  }
  for (const Method method : {Method::Sni, Method::Http, Method::Dns}) CHECK(rig.names(method) > 1000);
}

}  // namespace
}  // namespace sluice
