#pragma once

#include <cstdint>

namespace sluice::test {

/// Calls of operator new so far, in programs that link test_allocations (which replaces it).
[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace sluice::test
