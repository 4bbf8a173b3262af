#include "dataplane/quic/crypto_stream.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <vector>

using sluice::Bytes;
using sluice::CryptoStream;

namespace {
std::vector<std::uint8_t> counting(std::size_t n, unsigned start = 0) {
  std::vector<std::uint8_t> bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>((start + i) * 31 >> 2);
  return bytes;
}
std::vector<std::uint8_t> prefix_of(const CryptoStream& stream) {
  return {stream.prefix().begin(), stream.prefix().end()};
}
}  // namespace

TEST_CASE("crypto stream: the prefix ends at the first gap and jumps when it is filled") {
  const auto stream = std::make_unique<CryptoStream>();
  const auto all = counting(1000);
  const Bytes bytes(all);
  stream->insert(300, bytes.subspan(300));
  CHECK(stream->prefix().empty());
  stream->insert(0, bytes.first(299));
  CHECK(stream->prefix().size() == 299);
  stream->insert(299, bytes.subspan(299, 1));
  CHECK(prefix_of(*stream) == all);
}

TEST_CASE("crypto stream: of bytes that come twice the first copy stays") {
  const auto stream = std::make_unique<CryptoStream>();
  const std::vector<std::uint8_t> first(100, 1), second(200, 2);
  stream->insert(50, first);
  stream->insert(0, second);
  const auto got = prefix_of(*stream);
  REQUIRE(got.size() == 200);
  for (std::size_t i = 0; i < 200; ++i) CHECK(got[i] == (i >= 50 && i < 150 ? 1 : 2));
}

TEST_CASE("crypto stream: keeps nothing beyond its size, and says so") {
  const auto stream = std::make_unique<CryptoStream>();
  const auto all = counting(CryptoStream::kMaxBytes + 5);
  CHECK_FALSE(stream->insert(0, all));
  CHECK(stream->prefix().size() == CryptoStream::kMaxBytes);
  CHECK(stream->insert(CryptoStream::kMaxBytes - 1, counting(1)));
  CHECK_FALSE(stream->insert(CryptoStream::kMaxBytes, counting(1)));
  CHECK_FALSE(stream->insert(~std::uint64_t{0} >> 2, counting(1)));
  CHECK(stream->insert(~std::uint64_t{0} >> 2, {}));
}

TEST_CASE("crypto stream: cleared, it knows nothing of before") {
  const auto stream = std::make_unique<CryptoStream>();
  stream->insert(0, counting(70));
  stream->insert(5000, counting(70));
  stream->clear();
  CHECK(stream->prefix().empty());
  stream->insert(0, std::vector<std::uint8_t>(5000, 9));
  CHECK(prefix_of(*stream) == std::vector<std::uint8_t>(5000, 9));
}

TEST_CASE("crypto stream: any cut into any pieces in any order gives the same bytes") {
  std::mt19937 random(7);
  const auto stream = std::make_unique<CryptoStream>();
  for (int round = 0; round < 200; ++round) {
    stream->clear();
    const std::size_t total = 1 + random() % 3000;
    const auto all = counting(total);
    std::vector<std::size_t> cuts{0, total};
    for (auto i = random() % 40; i > 0; --i) cuts.push_back(random() % (total + 1));
    std::sort(cuts.begin(), cuts.end());
    std::vector<std::pair<std::size_t, std::size_t>> pieces;
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      pieces.emplace_back(cuts[i], std::min(cuts[i + 1] + random() % 5, total));  // some overlap
    }
    std::shuffle(pieces.begin(), pieces.end(), random);
    for (const auto& [from, to] : pieces) stream->insert(from, Bytes(all).subspan(from, to - from));
    REQUIRE(prefix_of(*stream) == all);
  }
}
