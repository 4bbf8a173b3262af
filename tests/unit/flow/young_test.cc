#include "dataplane/flow/young.h"

#include <catch2/catch.hpp>

namespace sluice {
namespace {

/// Hashes of one set that differ in their tags.
std::uint64_t hash(std::uint64_t n) {
  return n << 32;
}

TEST_CASE("young: of streams that have begun, the one that was silent longest gives way") {
  YoungFlows young(4);
  for (const std::uint32_t n : {1U, 2U, 3U, 4U}) REQUIRE(young.insert(hash(n), n, YoungFlows::State::Tls));
  for (const std::uint32_t n : {1U, 2U, 4U}) young.find(hash(n), 10)->seen_s = 10;
  REQUIRE(young.insert(hash(5), 20, YoungFlows::State::Syn) != nullptr);
  CHECK(young.find(hash(3), 20) == nullptr);
  for (const std::uint64_t n : {1U, 2U, 4U, 5U}) CHECK(young.find(hash(n), 20) != nullptr);
}

TEST_CASE("young: of SYNs in the same second, the first gives way") {
  YoungFlows young(4);
  for (std::uint32_t n = 1; n <= 7; ++n) REQUIRE(young.insert(hash(n), 1, YoungFlows::State::Syn));
  for (const std::uint64_t n : {1U, 2U, 3U}) CHECK(young.find(hash(n), 1) == nullptr);
  for (const std::uint64_t n : {4U, 5U, 6U, 7U}) CHECK(young.find(hash(n), 1) != nullptr);
}

TEST_CASE("young: what has begun gives way before a SYN, a SYN before nothing else, an answered one never") {
  YoungFlows young(4);
  for (std::uint32_t n = 1; n <= 3; ++n) REQUIRE(young.insert(hash(n), 1, YoungFlows::State::SynAck));
  REQUIRE(young.insert(hash(4), 50, YoungFlows::State::Http));
  REQUIRE(young.insert(hash(5), 50, YoungFlows::State::Syn));
  CHECK(young.find(hash(4), 50) == nullptr);
  REQUIRE(young.insert(hash(6), 51, YoungFlows::State::SynAck));
  CHECK(young.find(hash(5), 51) == nullptr);
  CHECK(young.insert(hash(7), 51, YoungFlows::State::Syn) == nullptr);
}

}  // namespace
}  // namespace sluice
