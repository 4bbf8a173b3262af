#pragma once

#include <expected>

namespace sluice {

/// A value or the reason why there is none. With g++ 12 use has_value(), *, error(): the monadic members are missing.
template <class T, class E>
using Result = std::expected<T, E>;

}  // namespace sluice
