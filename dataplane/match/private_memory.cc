#include "dataplane/match/private_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace sluice {
namespace {
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kSmallPage = std::size_t{4} << 10;
}  // namespace

PrivateMemory::PrivateMemory(Bytes bytes) : size_(bytes.size()) {
  // A small image in a huge page of its own would waste it.
  const std::size_t align = bytes.size() >= kHugePage ? kHugePage : kSmallPage;
  const std::size_t room = std::max(align, (bytes.size() + align - 1) / align * align);
  data_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(align, room)));
  if (!data_) throw std::bad_alloc();
  if (align == kHugePage) ::madvise(data_.get(), room, MADV_HUGEPAGE);  // advice: works without as well
  if (!bytes.empty()) std::memcpy(data_.get(), bytes.data(), bytes.size());
}

void PrivateMemory::Free::operator()(std::uint8_t* p) const noexcept {
  std::free(p);
}

}  // namespace sluice
