#include "control/daemon/clock_watch.h"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kBoot = 5'000 * kSecond, kReal = 1'800'000'000 * kSecond;
}  // namespace

TEST_CASE("clock: one that runs, is slewed or was asleep is no step") {
  ClockWatch clock;
  CHECK_FALSE(clock.look(kReal, kBoot));
  CHECK_FALSE(clock.look(kReal + kSecond, kBoot + kSecond));
  CHECK_FALSE(clock.look(kReal + 3'601 * kSecond, kBoot + 3'601 * kSecond));
  std::int64_t slewed = kReal + 3'601 * kSecond;
  for (std::int64_t s = 3'602; s < 7'000; ++s) {
    slewed += kSecond + kSecond / 2'000;
    CHECK_FALSE(clock.look(slewed, kBoot + s * kSecond));
  }
}

TEST_CASE("clock: one that is set forwards or back is told once, and by how much") {
  ClockWatch clock;
  CHECK_FALSE(clock.look(kReal, kBoot));
  CHECK(clock.look(kReal + 86'401 * kSecond, kBoot + kSecond) == 86'400 * kSecond);
  CHECK_FALSE(clock.look(kReal + 86'402 * kSecond, kBoot + 2 * kSecond));
  CHECK(clock.look(kReal + 3 * kSecond, kBoot + 3 * kSecond) == -86'400 * kSecond);
  CHECK_FALSE(clock.look(kReal + 4 * kSecond, kBoot + 4 * kSecond));
}
