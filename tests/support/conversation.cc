#include "tests/support/conversation.h"

#include <array>

#include "tests/support/client_stream.h"
#include "tests/support/messages.h"

namespace sluice::test {
namespace {

std::string any_name(Recut& recut) {
  const std::string host = "host" + std::to_string(recut.below(100'000));
  return recut.one_in(4) ? host + ".bad.example" : host + ".site" + std::to_string(recut.below(1000)) + ".example";
}

Octets grease(Recut& recut) {
  const unsigned value = static_cast<unsigned>(recut.below(16)) * 0x1010 + 0x0a0a;
  return tls_extension(value, {});
}

/// A ClientHello message with extensions as browsers send them, with a post-quantum key share, GREASE, ECH and in any
/// order; or plainer, as libraries do; or with little more than the name.
Octets any_hello_message(Recut& recut, std::string_view name) {
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
  return client_hello_with(all);
}

Buffer any_hello(Recut& recut, std::string_view name) {
  return tls_records(any_hello_message(recut, name), recut.one_in(3) ? 1 + recut.below(300) : 1 << 14);
}

Buffer any_request(Recut& recut, std::string_view name) {
  static const std::vector<std::string> kHeads{"GET /", "POST /form", "HEAD /x", "PUT /y", "OPTIONS *", "BREW /pot"};
  const std::size_t body = recut.one_in(4) ? recut.below(3000) : 0;
  std::string head = recut.one_in(4) ? "\r\n" : "";
  head += kHeads[recut.below(kHeads.size())] + " HTTP/1.1\r\n";
  if (recut.one_in(2)) head += "Cookie: " + std::string(recut.below(2000), 'c') + "\r\n";
  head += (recut.one_in(2) ? "Host: " : "hOST:") + std::string(name) + "\r\n";
  if (body > 0) head += "Content-Length: " + std::to_string(body) + "\r\n";
  return text_bytes(head + "Accept: */*\r\n\r\n" + std::string(body, 'b'));
}

DnsAsk any_query(Recut& recut, std::string_view name) {
  DnsAsk ask;
  ask.id = static_cast<std::uint16_t>(0x100 + recut.below(0xf000));
  ask.names = {std::string(name)};
  ask.edns = recut.one_in(2);
  ask.options = Buffer(4 * recut.below(30), 0);
  return ask;
}

void hello_retried(Recut& recut, Conversation& c) {
  const std::string name = any_name(recut);
  c.phase(any_hello(recut, name), name);
  c.phase(joined({{20, 3, 3, 0, 1, 1}, any_hello(recut, name)}));
}

void requests(Recut& recut, Conversation& c) {
  c.port = 80;
  for (std::size_t n = 1 + recut.below(4); n > 0; --n) {
    const std::string name = any_name(recut);
    c.phase(any_request(recut, name), name);
  }
  if (recut.one_in(2)) c.phase_ends = {c.bytes.size()};  // pipelined
}

void queries_in_a_stream(Recut& recut, Conversation& c) {
  c.port = 53;
  for (std::size_t n = 1 + recut.below(20); n > 0; --n) {
    const std::string name = any_name(recut);
    c.phase(dns_over_tcp(any_query(recut, name)), name);
  }
  c.phase_ends = {c.bytes.size()};
}

void connect(Recut& recut, Conversation& c) {
  c.port = 3128;
  const std::string proxied = any_name(recut), name = any_name(recut);
  c.phase(text_bytes("CONNECT " + proxied + ":443 HTTP/1.1\r\n\r\n"), proxied);
  c.phase(any_hello(recut, name), name);
}

void datagrams(Recut& recut, Conversation& c) {
  c.proto = IpProto::Udp;
  c.port = 53;
  for (std::size_t n = 1 + recut.below(4); n > 0; --n) {
    const std::string name = any_name(recut);
    c.names.push_back({name, c.queries.size(), 1});
    DnsAsk ask = any_query(recut, name);
    ask.options.resize(ask.edns ? recut.below(3000) / 4 * 4 : 0);
    c.queries.push_back(dns_message(ask));
  }
}

Buffer any_id(Recut& recut, std::size_t least, std::size_t most) {
  Buffer id(least + recut.below(most - least + 1));
  for (std::uint8_t& byte : id) byte = static_cast<std::uint8_t>(recut.random()());
  return id;
}

QuicFlight any_flight(Recut& recut, std::string_view name) {
  constexpr std::array<std::uint32_t, 3> kVersions{1, 0x6b3343cf, 0xff00001d};
  return {.version = kVersions[recut.below(kVersions.size())],
          .dcid = any_id(recut, 8, 20),
          .scid = recut.one_in(2) ? Buffer{} : any_id(recut, 1, 20),  // Chrome's is empty
          .token = {},
          .server_id = recut.one_in(3) ? any_id(recut, 1, 20) : Buffer{},
          .hello = any_hello_message(recut, name)};
}

void quic(Recut& recut, Conversation& c) {
  c.proto = IpProto::Udp;
  c.port = recut.one_in(4) ? 4433 : 443;
  const auto add = [&](const std::string& name) {
    c.flights.push_back(any_flight(recut, name));
    c.names.push_back({name, c.flights.size() - 1, c.flights.back().hello.size()});
  };
  const std::string name = any_name(recut);
  add(name);
  switch (recut.below(4)) {
    case 0: {  // Retry: the same ClientHello under another ID, with a token
      c.flights.push_back(c.flights[0]);
      c.flights[0].server_id.clear();
      c.flights[1].dcid = any_id(recut, 8, 20);
      c.flights[1].token = any_id(recut, 1, 60);
      c.names.push_back({name, 1, c.flights[1].hello.size(), true});
      break;
    }
    case 1: add(any_name(recut)); break;  // another connection on the same ports
    default: break;
  }
}

}  // namespace

Conversation any_conversation(Recut& recut) {
  Conversation c;
  const std::string name = any_name(recut);
  switch (recut.below(9)) {
    case 0:
    case 1: c.phase(any_hello(recut, name), name); break;
    case 2: hello_retried(recut, c); break;
    case 3: requests(recut, c); break;
    case 4: queries_in_a_stream(recut, c); break;
    case 5: connect(recut, c); break;
    case 6:
      c.port = 25;
      c.phase(text_bytes("EHLO x\r\n"));
      c.phase(text_bytes("STARTTLS\r\n"));
      c.plain_phases = 2;
      c.phase(any_hello(recut, name), name);
      break;
    case 7: datagrams(recut, c); break;
    default: quic(recut, c);
  }
  return c;
}

}  // namespace sluice::test
