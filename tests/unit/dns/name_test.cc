#include "dataplane/dns/name.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "tests/support/messages.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr std::size_t kHeader = 12;

/// Walks the name behind a header of 12 bytes and `before`; labels joined with dots.
std::string walk(const Octets& before, const Octets& name, Cause& cause, std::size_t& end) {
  const Octets message = join({Octets(kHeader, 0), before, name});
  DnsLabels labels(message, kHeader + before.size());
  std::string joined;
  for (Bytes label = labels.next(); !label.empty(); label = labels.next()) {
    joined.append(label.begin(), label.end()).push_back('.');
  }
  cause = labels.cause();
  end = cause == Cause::None ? labels.end() - kHeader - before.size() : 0;
  return joined;
}

Cause cause_of(const Octets& before, const Octets& name) {
  Cause cause{};
  std::size_t end = 0;
  walk(before, name, cause, end);
  return cause;
}

std::string written(const Octets& name) {
  const Octets message = join({Octets(kHeader, 0), name});
  std::array<char, kMaxDnsNameText> text;
  return {text.data(), write_dns_name(message, kHeader, text)};
}

}  // namespace

TEST_CASE("dns name: reads labels up to the root and tells where it ends") {
  Cause cause{};
  std::size_t end = 0;
  CHECK(walk({}, join({dns_name("www.example.org"), {1, 2}}), cause, end) == "www.example.org.");
  CHECK(cause == Cause::None);
  CHECK(end == 17);
}

TEST_CASE("dns name: follows pointers backward and ends behind the first one") {
  Cause cause{};
  std::size_t end = 0;
  const Octets before = join({dns_name("example.org"), join({with_len8(text("www")), {0xc0, kHeader}})});
  CHECK(walk(before, join({with_len8(text("a")), {0xc0, kHeader + 13}}), cause, end) == "a.www.example.org.");
  CHECK(cause == Cause::None);
  CHECK(end == 4);
}

TEST_CASE("dns name: rejects a pointer that is not strictly backward") {
  const Octets before = dns_name("example.org");
  const auto at = static_cast<std::uint8_t>(kHeader + before.size());
  CHECK(cause_of(before, {0xc0, at}) == Cause::DnsBadPointer);          // itself
  CHECK(cause_of(before, {1, 'a', 0xc0, at}) == Cause::DnsBadPointer);  // the name's own start
  CHECK(cause_of(before, {0xc0, static_cast<std::uint8_t>(at + 2), 0}) == Cause::DnsBadPointer);  // forward
  CHECK(cause_of(before, {0xc0, 11}) == Cause::DnsBadPointer);                                    // into the header
}

TEST_CASE("dns name: rejects a pointer chain longer than kMaxHops") {
  const auto chain = [](unsigned pointers) {  // the root, then each pointer leads to the one before
    Octets before{0};
    for (unsigned n = 0; n + 1 < pointers; ++n) {
      before = join({before, be16(0xc000U | (kHeader + (n == 0 ? 0 : before.size() - 2)))});
    }
    return before;
  };
  const auto last = [](const Octets& before) { return be16(0xc000U | (kHeader + before.size() - 2)); };
  const Octets fits = chain(DnsLabels::kMaxHops);
  CHECK(cause_of(fits, last(fits)) == Cause::None);
  const Octets over = chain(DnsLabels::kMaxHops + 1);
  CHECK(cause_of(over, last(over)) == Cause::DnsBadPointer);
}

TEST_CASE("dns name: takes 255 bytes and not 256, also through a pointer") {
  const std::string long_label(63, 'x');
  const std::string three = long_label + "." + long_label + "." + long_label;  // 192 bytes on the wire
  CHECK(cause_of({}, dns_name(three + "." + std::string(61, 'y'))) == Cause::None);
  CHECK(cause_of({}, dns_name(three + "." + std::string(62, 'y'))) == Cause::DnsNameTooLong);
  CHECK(cause_of(dns_name(three), join({with_len8(text(std::string(61, 'y'))), {0xc0, kHeader}})) == Cause::None);
  CHECK(cause_of(dns_name(three), join({with_len8(text(std::string(62, 'y'))), {0xc0, kHeader}})) ==
        Cause::DnsNameTooLong);
}

TEST_CASE("dns name: rejects the label types 0x40 and 0x80 and every end inside a name") {
  CHECK(cause_of({}, {0x41, 'a', 0}) == Cause::DnsBadLabel);
  CHECK(cause_of({}, {0x81, 'a', 0}) == Cause::DnsBadLabel);
  CHECK(cause_of({}, {}) == Cause::DnsTruncated);
  CHECK(cause_of({}, {3, 'w', 'w'}) == Cause::DnsTruncated);
  CHECK(cause_of({}, {1, 'w'}) == Cause::DnsTruncated);
  CHECK(cause_of({0}, {0xc0}) == Cause::DnsTruncated);
}

TEST_CASE("dns name: skipping gives the same end as walking") {
  const Octets message = join({Octets(kHeader, 0), dns_name("example.org"), {3, 'w', 'w', 'w', 0xc0, kHeader}});
  CHECK(skip_dns_name(message, kHeader) == kHeader + 13);
  CHECK(skip_dns_name(message, kHeader + 13) == message.size());
  CHECK(skip_dns_name(Bytes(message).first(message.size() - 1), kHeader + 13) == 0);
  CHECK(skip_dns_name(message, message.size()) == 0);
  CHECK(skip_dns_name(Octets{0x40, 0}, 0) == 0);
}

TEST_CASE("dns name: is written as in a master file") {
  CHECK(written(dns_name("WwW.Example.org")) == "www.example.org");
  CHECK(written({0}) == ".");
  CHECK(written({4, 'a', '.', 'b', '\\', 0}) == "a\\.b\\\\");
  CHECK(written({4, ' ', 0, 0xff, '"', 0}) == "\\032\\000\\255\"");
  CHECK(written({2, 'a'}).empty());
  Octets longest;
  for (unsigned n = 0; n < 4; ++n) longest = join({longest, with_len8(Octets(n < 3 ? 63 : 61, 0))});
  CHECK(written(join({longest, {0}})).size() == 250 * 4 + 3);
}
