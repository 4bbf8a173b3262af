// A signed rule image for the tests of the engine, without a control side.
//   make_image OUT.img OUT.pub SEED ORDER=NAME[,NAME…] …     every name with everything below it; all of one feed
// SEED (0…255) picks the key; the same SEED gives the same key.
#include <sodium.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "rules/image/build.h"
#include "tests/support/feeds.h"

using namespace sluice;

namespace {

OrderWithTargets order_of(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) std::abort();
  std::vector<Target> targets;
  for (std::size_t at = equals + 1; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    targets.push_back(test::subtree(text.substr(at, comma - at)));
    at = comma + 1;
  }
  OrderWithTargets made = test::block(text.substr(0, equals), std::move(targets));
  made.order.expires = std::numeric_limits<std::int32_t>::max();
  made.order.authority = "Test Authority";
  made.order.law = "Test Act";
  made.order.appeal_url = "https://appeal.example/";
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || sodium_init() < 0) return 2;
  const test::KeyPair keys = test::key_pair(static_cast<std::uint8_t>(std::atoi(argv[3])));
  std::vector<OrderWithTargets> orders;
  for (int i = 4; i < argc; ++i) orders.push_back(order_of(argv[i]));
  Feed feed = test::feed("test.example/engine", {.priority = 1, .external = true}, std::move(orders));
  feed.snapshot.header.epoch = 1;
  feed.snapshot.header.seq = static_cast<std::uint64_t>(argc);
  feed.snapshot.header.expires = std::numeric_limits<std::int32_t>::max();
  const auto image = build_image(std::span(&feed, 1), {}, keys.secret);
  if (!image.has_value()) {
    std::fprintf(stderr, "make_image: %s\n", image.error().detail.c_str());
    return 1;
  }
  std::ofstream(argv[1], std::ios::binary)
      .write(reinterpret_cast<const char*>(image->data()), static_cast<std::streamsize>(image->size()));
  std::ofstream key(argv[2]);
  for (const std::uint8_t byte : keys.open) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    key << digits;
  }
  key << '\n';
  return 0;
}
