#include "dataplane/filter/policy.h"

#include <catch2/catch.hpp>

#include "dataplane/filter/credit.h"
#include "tests/support/made_packets.h"

namespace sluice {
namespace {

using test::Buffer;

TEST_CASE("prefix: holds the addresses that agree in its bits, and no other family's") {
  Prefix p{.bits = 19};
  p.address = {10, 1, 0x40};
  CHECK(p.contains(Buffer{10, 1, 0x5f, 9}));
  CHECK_FALSE(p.contains(Buffer{10, 1, 0x60, 9}));
  CHECK_FALSE(p.contains(Buffer{10, 2, 0x40, 9}));
  CHECK_FALSE(p.contains(Buffer(16, 10)));
  p.bits = 0;
  CHECK(p.contains(Buffer{200, 1, 2, 3}));
  p.bits = 32;
  p.address = {10, 1, 2, 3};
  CHECK(p.contains(Buffer{10, 1, 2, 3}));
  CHECK_FALSE(p.contains(Buffer{10, 1, 2, 2}));
  p.bits = 33;
  CHECK_FALSE(p.contains(Buffer{10, 1, 2, 3}));
  Prefix six{.bits = 127, .ipv6 = true};
  CHECK(six.contains(Buffer(16, 0)));
  Buffer one(16, 0);
  one[15] = 1;
  CHECK(six.contains(one));
  one[15] = 2;
  CHECK_FALSE(six.contains(one));
}

TEST_CASE("policy: without prefixes nobody is a subscriber") {
  CHECK_FALSE(Policy{}.is_subscriber(Buffer{10, 0, 0, 1}));
}

TEST_CASE("credit: is held by /24 and /48, and refilled up to its full amount only") {
  ReplyCredit credit(16, 100, 10, 1);
  CHECK(credit.spend(Buffer{10, 0, 0, 1}, 100, 0));
  CHECK_FALSE(credit.spend(Buffer{10, 0, 0, 200}, 1, 0));
  CHECK(credit.spend(Buffer{10, 0, 1, 1}, 100, 0));
  credit.earn(Buffer{10, 0, 0, 7}, 30, 0);
  CHECK(credit.spend(Buffer{10, 0, 0, 1}, 30, 0));
  CHECK(credit.spend(Buffer{10, 0, 0, 1}, 50, 5'000'000'000));
  CHECK_FALSE(credit.spend(Buffer{10, 0, 0, 1}, 101, 3'600'000'000'000));
  CHECK(credit.spend(Buffer{10, 0, 0, 1}, 100, 3'600'000'000'000));
  Buffer a(16, 1), b(16, 1);
  b[15] = 9;
  CHECK(credit.spend(a, 100, 0));
  CHECK_FALSE(credit.spend(b, 1, 0));
  b[5] = 9;
  CHECK(credit.spend(b, 100, 0));
}

TEST_CASE("credit: a full table gives nothing to new prefixes until an old one is whole again") {
  ReplyCredit credit(4, 100, 10, 1);
  std::uint8_t next = 0;
  for (; next < 4; ++next) CHECK(credit.spend(Buffer{10, 0, next, 1}, 50, 0));
  CHECK_FALSE(credit.spend(Buffer{10, 0, next, 1}, 1, 0));
  CHECK(credit.spend(Buffer{10, 0, next, 1}, 100, 5'000'000'000));
}

}  // namespace
}  // namespace sluice
