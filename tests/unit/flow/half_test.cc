#include "dataplane/flow/half.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <optional>
#include <random>
#include <vector>

namespace sluice {
namespace {

using Bytes8 = std::vector<std::uint8_t>;

FlowKey numbered(std::uint64_t n) {
  FlowKey key;
  key.words[0] = n;
  return key;
}

constexpr HalfRead::Limits kLimits{.flows = 8, .bytes_per_flow = 16 << 10, .bytes_total = 32 << 10};

std::uint32_t opened(HalfRead& half, std::uint32_t base = 1000, std::uint64_t n = 1) {
  const std::uint32_t handle = half.open(numbered(n), n, base, 1);
  REQUIRE(handle != HalfRead::kNone);
  return handle;
}

Bytes8 head(HalfRead& half, std::uint32_t handle) {
  const Bytes b = half.head(handle);
  return {b.begin(), b.end()};
}

TEST_CASE("half: a tail before its head is kept and joined") {
  HalfRead half(kLimits);
  const std::uint32_t h = opened(half);
  CHECK(half.add(h, 1003, Bytes8{4, 5}, 1) == HalfRead::Kept::Stored);
  CHECK(head(half, h).empty());
  CHECK(half.add(h, 1000, Bytes8{1, 2, 3}, 1) == HalfRead::Kept::Stored);
  CHECK(head(half, h) == Bytes8{1, 2, 3, 4, 5});
}

TEST_CASE("half: the first copy of a byte wins, also where a later one spans known bytes and gaps") {
  HalfRead half(kLimits);
  const std::uint32_t h = opened(half);
  half.add(h, 1002, Bytes8{3, 3}, 1);
  half.add(h, 1006, Bytes8{7, 7}, 1);
  half.add(h, 1000, Bytes8(10, 9), 1);
  CHECK(head(half, h) == Bytes8{9, 9, 3, 3, 9, 9, 7, 7, 9, 9});
}

TEST_CASE("half: what lies before the base is left out, across the wrap of sequence numbers") {
  HalfRead half(kLimits);
  const std::uint32_t h = opened(half, 1);
  CHECK(half.add(h, 0xfffffffe, Bytes8{8, 8, 8, 1, 2}, 1) == HalfRead::Kept::Stored);
  CHECK(head(half, h) == Bytes8{1, 2});
  CHECK(half.add(h, 0xfffffff0, Bytes8{8, 8}, 1) == HalfRead::Kept::Stored);
  CHECK(head(half, h) == Bytes8{1, 2});
}

TEST_CASE("half: bounds a stream and all streams, and follows any number of gaps") {
  HalfRead half(kLimits);
  const std::uint32_t h = opened(half);
  CHECK(half.add(h, 1000 + (16 << 10) - 1, Bytes8{1}, 1) == HalfRead::Kept::Stored);
  CHECK(half.add(h, 1000 + (16 << 10), Bytes8{1}, 1) == HalfRead::Kept::TooLong);
  CHECK(half.add(h, 1000U + 0x7fffffffU, Bytes8{1}, 1) == HalfRead::Kept::TooLong);
  half.close(h);
  const std::uint32_t sparse = opened(half, 0, 4);
  for (std::uint32_t at = 1; at < 8000; at += 2) CHECK(half.add(sparse, at, Bytes8{1}, 1) == HalfRead::Kept::Stored);
  CHECK(head(half, sparse).empty());
  for (std::uint32_t at = 0; at < 8000; at += 2) CHECK(half.add(sparse, at, Bytes8{0}, 1) == HalfRead::Kept::Stored);
  CHECK(head(half, sparse).size() == 8000);
}

TEST_CASE("half: without memory, others give way; those that complete no handshake never push out those that do") {
  HalfRead half(kLimits);  // 16 chunks of 2 KiB
  const Bytes8 all(16 << 10, 1);
  const std::uint32_t proven = half.open(numbered(1), 1, 0, 1, true);
  CHECK(half.add(proven, 0, Bytes8(8 << 10, 1), 1) == HalfRead::Kept::Stored);
  const std::uint32_t first = half.open(numbered(2), 2, 0, 1);
  CHECK(half.add(first, 0, Bytes8(10 << 10, 1), 1) == HalfRead::Kept::Stored);
  const std::uint32_t second = half.open(numbered(3), 3, 0, 1);
  CHECK(half.add(second, 0, all, 1) == HalfRead::Kept::Stored);
  CHECK(half.find(numbered(2), 2, 1) == HalfRead::kNone);
  CHECK(half.add(second, 16 << 10, Bytes8{1}, 1) == HalfRead::Kept::TooLong);
  CHECK(half.find(numbered(1), 1, 1) == proven);
  const std::uint32_t third = half.open(numbered(4), 4, 0, 1, true);
  CHECK(half.add(third, 0, Bytes8(10 << 10, 1), 1) == HalfRead::Kept::Stored);
  CHECK(half.add(third, 10 << 10, Bytes8(6 << 10, 1), 1) == HalfRead::Kept::Stored);
  half.close(third);
  if (half.find(numbered(1), 1, 1) != HalfRead::kNone) half.close(proven);
  CHECK(half.empty());
  CHECK(half.free_chunks() == 16);
}

TEST_CASE("half: what was consumed makes room, in a stream as long as may be") {
  HalfRead half(kLimits);
  std::uint32_t seq = 0xfffff000;
  const std::uint32_t h = opened(half, seq);
  for (int i = 0; i < 1000; ++i) {
    CHECK(half.add(h, seq + 700, Bytes8(300, 2), 1) == HalfRead::Kept::Stored);
    CHECK(half.add(h, seq, Bytes8(700, 1), 1) == HalfRead::Kept::Stored);
    const Bytes8 got = head(half, h);
    REQUIRE(got.size() == 1000);
    CHECK(got[0] == 1);
    CHECK(got[999] == 2);
    CHECK(!half.drained(h));
    half.consume(h, 1000);
    CHECK(half.drained(h));
    seq += 1000;
    CHECK(half.base(h) == seq);
  }
  half.close(h);
  CHECK(half.free_chunks() == 16);
}

TEST_CASE("half: in a full set the stream idle longest gives way; a proven one only to such another") {
  HalfRead half({.flows = 4, .bytes_per_flow = 4096, .bytes_total = 8192});
  for (std::uint64_t n = 0; n < 4; ++n) {
    const std::uint32_t h = half.open(numbered(n), n, 0, 1, n == 0);
    half.add(h, 0, Bytes8{1}, 1);
  }
  half.add(half.find(numbered(1), 1, 1), 1, Bytes8{1}, 1);
  CHECK(half.open(numbered(9), 9, 0, 1) != HalfRead::kNone);
  CHECK(half.find(numbered(2), 2, 1) == HalfRead::kNone);
  for (std::uint64_t n = 10; n < 100; ++n) CHECK(half.open(numbered(n), n, 0, 1) != HalfRead::kNone);
  CHECK(half.find(numbered(0), 0, 1) != HalfRead::kNone);
  for (std::uint64_t n = 100; n < 103; ++n) CHECK(half.open(numbered(n), n, 0, 1, true) != HalfRead::kNone);
  CHECK(half.find(numbered(0), 0, 1) != HalfRead::kNone);
  CHECK(half.open(numbered(9), 9, 0, 1) == HalfRead::kNone);
  CHECK(half.open(numbered(103), 103, 0, 1, true) != HalfRead::kNone);
  CHECK(half.find(numbered(0), 0, 1) == HalfRead::kNone);
  CHECK(half.find(numbered(100), 100, 1 + HalfRead::kIdle_s) != HalfRead::kNone);
  CHECK(half.find(numbered(100), 100, 2 + HalfRead::kIdle_s) == HalfRead::kNone);
  CHECK(half.open(numbered(9), 9, 0, 2 + HalfRead::kIdle_s) != HalfRead::kNone);
  CHECK(half.open_flows() == 1);
}

TEST_CASE("half: any cut, order and repetition of a stream gives the stream (against a byte by byte model)") {
  std::mt19937 random(7);
  HalfRead half({.flows = 4, .bytes_per_flow = 16 << 10, .bytes_total = 64 << 10});
  for (int round = 0; round < 300; ++round) {
    const std::uint32_t base = static_cast<std::uint32_t>(random());
    const std::uint32_t h = half.open(numbered(1), 1, base, 1);
    std::vector<std::optional<std::uint8_t>> model(16 << 10);
    for (int part = 0; part < 20; ++part) {
      const std::uint32_t at = static_cast<std::uint32_t>(random() % 6000);
      Bytes8 bytes(1 + random() % 3000);
      for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random());
      if (half.add(h, base + at, bytes, 1) != HalfRead::Kept::Stored) break;
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (!model[at + i]) model[at + i] = bytes[i];
      }
      Bytes8 expected;
      for (std::size_t i = 0; model[i]; ++i) expected.push_back(*model[i]);
      REQUIRE(head(half, h) == expected);
    }
    half.close(h);
  }
  CHECK(half.free_chunks() == 32);
}

}  // namespace
}  // namespace sluice
