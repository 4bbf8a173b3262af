#pragma once

#include "dataplane/base/bytes.h"

namespace sluice {

/// A sticky reader over wire bytes. After the first read past the end every further read is a no-op that yields
/// zeros and ok() is false, so a parser checks once, where it decides. A length prefix yields a sub-cursor that
/// cannot see beyond its parent: nested lengths are safe by construction. Owns nothing; allocates nothing.
class Cursor {
 public:
  constexpr Cursor() noexcept = default;
  constexpr explicit Cursor(Bytes bytes) noexcept : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }
  [[nodiscard]] constexpr std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] constexpr bool empty() const noexcept { return at_ == end_; }
  /// Bytes read since the start of this cursor.
  [[nodiscard]] constexpr std::size_t offset() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  /// What is left, without moving.
  [[nodiscard]] constexpr Bytes rest() const noexcept { return {at_, remaining()}; }

  std::uint8_t u8() noexcept {
    const std::uint8_t* p = take(1);
    return p != nullptr ? *p : std::uint8_t{0};
  }
  std::uint16_t be16() noexcept {
    const std::uint8_t* p = take(2);
    return p != nullptr ? load_be16(p) : std::uint16_t{0};
  }
  std::uint32_t be24() noexcept {
    const std::uint8_t* p = take(3);
    return p != nullptr ? (std::uint32_t{p[0]} << 16) | (std::uint32_t{p[1]} << 8) | p[2] : 0U;
  }
  std::uint32_t be32() noexcept {
    const std::uint8_t* p = take(4);
    return p != nullptr ? load_be32(p) : 0U;
  }
  std::uint64_t be64() noexcept {
    const std::uint8_t* p = take(8);
    return p != nullptr ? load_be64(p) : 0U;
  }
  /// QUIC variable-length integer (RFC 9000 16).
  std::uint64_t varint() noexcept {
    if (at_ == end_) return fail(), 0U;
    switch (*at_ >> 6) {
      case 0: return u8();
      case 1: return be16() & 0x3fffU;
      case 2: return be32() & 0x3fffffffU;
      default: return be64() & 0x3fffffffffffffffU;
    }
  }
  /// The next n bytes as a view; empty, and no longer ok, where there are fewer.
  Bytes bytes(std::size_t n) noexcept {
    const std::uint8_t* p = take(n);
    return p != nullptr ? Bytes{p, n} : Bytes{};
  }
  void skip(std::size_t n) noexcept { (void)take(n); }

  /// Sub-cursors over the next n bytes, or over a length prefix of 1, 2 or 3 bytes and what it announces. A failed
  /// one is not ok itself either.
  Cursor sub(std::size_t n) noexcept {
    const std::uint8_t* p = take(n);
    if (p == nullptr) return failed();
    return Cursor(Bytes{p, n});
  }
  Cursor sub8() noexcept { return prefixed(u8()); }
  Cursor sub16() noexcept { return prefixed(be16()); }
  Cursor sub24() noexcept { return prefixed(be24()); }

  constexpr void fail() noexcept {
    ok_ = false;
    at_ = end_;
  }

 private:
  const std::uint8_t* take(std::size_t n) noexcept {
    if (!ok_ || n > remaining()) {
      fail();
      return nullptr;
    }
    const std::uint8_t* p = at_;
    at_ += n;
    return p;
  }
  Cursor prefixed(std::size_t n) noexcept { return ok_ ? sub(n) : failed(); }
  static Cursor failed() noexcept {
    Cursor c;
    c.ok_ = false;
    return c;
  }

  const std::uint8_t* begin_ = nullptr;
  const std::uint8_t* at_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  bool ok_ = true;
};

}  // namespace sluice
