#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/base/bytes.h"

namespace sluice::test {

/// Calls parse(Bytes) with every truncation of a valid input and with every single-byte change of it (all 255 other
/// values of each byte where the input is short, 17 of them where it is long). Each call gets a heap buffer of exactly
/// the right size, so that ASan sees any over-read.
template <class Parse>
void for_each_mutation(Bytes valid, Parse&& parse) {
  const auto exact = [&](Bytes bytes, auto&& change) {
    const std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[bytes.size()]);
    if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
    change(copy.get());
    parse(Bytes{copy.get(), bytes.size()});
  };
  for (std::size_t n = 0; n <= valid.size(); ++n) exact(valid.first(n), [](std::uint8_t*) {});
  const unsigned step = valid.size() <= 256 ? 1 : 15;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    for (unsigned delta = 1; delta < 256; delta += step) {
      exact(valid, [&](std::uint8_t* p) { p[i] = static_cast<std::uint8_t>(p[i] + delta); });
    }
  }
}

}  // namespace sluice::test
