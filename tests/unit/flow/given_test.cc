#include "dataplane/flow/given.h"

#include <catch2/catch.hpp>

namespace sluice {
namespace {

TEST_CASE("given: a name is known again for its time") {
  GivenNames given(1024);
  const std::uint64_t one = 0x123456789abcdef0, other = one ^ (1ULL << 20);
  CHECK(!given.again(one, 65530));
  CHECK(given.again(one, 65530));
  CHECK(!given.again(other, 65530));
  CHECK(given.again(one, 65530 + GivenNames::kLifetime_s));
  CHECK(!given.again(one, 65531 + GivenNames::kLifetime_s));
}

TEST_CASE("given: where a set is full, the name that was given first gives way") {
  GivenNames given(8);
  for (std::uint64_t n = 1; n <= 8; ++n) CHECK(!given.again(n << 32, 1));
  for (std::uint64_t n = 1; n <= 8; ++n) CHECK(given.again(n << 32, 1));
  CHECK(!given.again(9ULL << 32, 1));
  for (std::uint64_t n = 2; n <= 9; ++n) CHECK(given.again(n << 32, 1));
  CHECK(!given.again(1ULL << 32, 1));
}

}  // namespace
}  // namespace sluice
