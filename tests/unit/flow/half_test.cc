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

TEST_CASE("half: bounds a stream, all streams, and the gaps of a stream") {
  HalfRead half(kLimits);
  const std::uint32_t h = opened(half);
  CHECK(half.add(h, 1000 + (16 << 10) - 1, Bytes8{1}, 1) == HalfRead::Kept::Stored);
  CHECK(half.add(h, 1000 + (16 << 10), Bytes8{1}, 1) == HalfRead::Kept::TooLong);
  CHECK(half.add(h, 1000U + 0x7fffffffU, Bytes8{1}, 1) == HalfRead::Kept::TooLong);
  const std::uint32_t full = opened(half, 0, 2);
  CHECK(half.add(full, 0, Bytes8(16 << 10, 1), 1) == HalfRead::Kept::Stored);
  const std::uint32_t third = opened(half, 0, 3);
  CHECK(half.add(third, 0, Bytes8(16 << 10, 1), 1) == HalfRead::Kept::NoRoom);
  half.close(h);
  half.close(full);
  half.close(third);
  CHECK(half.empty());
  CHECK(half.free_chunks() == 16);
  const std::uint32_t sparse = opened(half, 0, 4);
  HalfRead::Kept last = HalfRead::Kept::Stored;
  std::uint32_t gaps = 0;
  for (; last == HalfRead::Kept::Stored && gaps < 100; ++gaps) last = half.add(sparse, gaps * 2, Bytes8{1}, 1);
  CHECK(last == HalfRead::Kept::NoRoom);
  CHECK(gaps == 9);
}

TEST_CASE("half: a full set refuses; idle streams give way, with their memory") {
  HalfRead half({.flows = 4, .bytes_per_flow = 4096, .bytes_total = 8192});
  for (std::uint64_t n = 0; n < 4; ++n) {
    const std::uint32_t h = half.open(numbered(n), n, 0, 1);
    half.add(h, 0, Bytes8{1}, 1);
  }
  CHECK(half.open(numbered(9), 9, 0, 1) == HalfRead::kNone);
  CHECK(half.find(numbered(2), 2, 1 + HalfRead::kIdle_s) != HalfRead::kNone);
  CHECK(half.find(numbered(2), 2, 2 + HalfRead::kIdle_s) == HalfRead::kNone);
  CHECK(half.open(numbered(9), 9, 0, 2 + HalfRead::kIdle_s) != HalfRead::kNone);
  CHECK(half.open_flows() == 1);
  CHECK(half.free_chunks() == 4);
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
