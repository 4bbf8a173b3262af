#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/base/bytes.h"

namespace sluice {

/// Memory of this process alone, at a multiple of 2 MiB and in huge pages where the kernel has them: a look-up in a
/// table of a million names is then a cache miss, and not a TLB miss as well.
class PrivateMemory {
 public:
  PrivateMemory() = default;
  /// A copy of `bytes`. Throws std::bad_alloc.
  explicit PrivateMemory(Bytes bytes);

  [[nodiscard]] Bytes bytes() const noexcept { return {data_.get(), size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct Free {
    void operator()(std::uint8_t* p) const noexcept;
  };
  std::unique_ptr<std::uint8_t, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace sluice
