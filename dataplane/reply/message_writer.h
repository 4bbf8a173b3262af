#pragma once

#include <cstring>
#include <string_view>

#include "dataplane/base/bytes.h"

namespace sluice {

/// Appends to a fixed buffer; sticky: after the first write that does not fit nothing more is written and ok() is
/// false.
class MessageWriter {
 public:
  MessageWriter(std::uint8_t* begin, std::size_t limit) noexcept : begin_(begin), limit_(limit) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t left() const noexcept { return limit_ - size_; }
  [[nodiscard]] std::uint8_t* data() noexcept { return begin_; }

  void u8(std::uint8_t v) noexcept {
    if (std::uint8_t* p = take(1)) *p = v;
  }
  void be16(std::uint16_t v) noexcept {
    if (std::uint8_t* p = take(2)) store_be16(p, v);
  }
  void be32(std::uint32_t v) noexcept {
    if (std::uint8_t* p = take(4)) store_be32(p, v);
  }
  void bytes(Bytes v) noexcept {
    if (std::uint8_t* p = take(v.size()); p != nullptr && !v.empty()) std::memcpy(p, v.data(), v.size());
  }
  void text(std::string_view v) noexcept {
    if (std::uint8_t* p = take(v.size()); p != nullptr && !v.empty()) std::memcpy(p, v.data(), v.size());
  }
  /// Back to an earlier size(), as if nothing had been written since.
  void rewind(std::size_t size) noexcept {
    size_ = size;
    ok_ = true;
  }

 private:
  std::uint8_t* take(std::size_t n) noexcept {
    if (!ok_ || n > left()) {
      ok_ = false;
      return nullptr;
    }
    std::uint8_t* p = begin_ + size_;
    size_ += n;
    return p;
  }

  std::uint8_t* begin_;
  std::size_t limit_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace sluice
