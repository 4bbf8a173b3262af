#pragma once

#include <cstdint>
#include <span>

#include "dataplane/base/bytes.h"
#include "dataplane/base/cause.h"

namespace sluice {

/// Where a reader stands between two pieces of its input.
struct HandshakePlace {
  std::uint32_t position = 0;   ///< handshake bytes read
  std::uint16_t in_record = 0;  ///< bytes left in the open record
  bool first_record = true;     ///< no record was opened yet
};

/// Reads handshake bytes across the borders of TLS records without copying the stream. Sticky: after the
/// first failure every read yields zeros and cause() tells why. A length prefix gives a limit; a read past it
/// contradicts an earlier length (TlsBadHandshake), a read past the end of the input is TlsIncomplete. The first is
/// known, and reported, whether or not the bytes have arrived.
class HandshakeReader {
 public:
  enum class Framing : std::uint8_t { Records, None };
  static constexpr std::uint32_t kLongest = 4 + 0xffffff;  ///< a handshake message and its header

  /// `input` goes on where a reader stood at `place`.
  HandshakeReader(Bytes input, Framing framing, const HandshakePlace& place = {}) noexcept;

  [[nodiscard]] Cause cause() const noexcept { return cause_; }
  [[nodiscard]] bool ok() const noexcept { return cause_ == Cause::None; }
  /// Bytes of the input read, record headers included.
  [[nodiscard]] std::size_t consumed() const noexcept { return at_; }
  /// Handshake bytes left up to the limit.
  [[nodiscard]] std::uint32_t left() const noexcept { return ok() ? limit_ - position_ : 0; }
  /// Handshake bytes read, from the start of the message.
  [[nodiscard]] std::uint32_t position() const noexcept { return position_; }
  [[nodiscard]] HandshakePlace place() const noexcept {
    return {position_, static_cast<std::uint16_t>(in_record_), first_record_};
  }
  /// No read goes past handshake byte `end`, which is not before position().
  void limit(std::uint32_t end) noexcept { limit_ = end; }

  std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t be16() noexcept { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t be24() noexcept { return number(3); }
  void skip(std::uint32_t n) noexcept {
    if (at_hand(n)) {
      advance(n);
    } else {
      take(n, nullptr);
    }
  }
  void read(std::span<char> to) noexcept { take(static_cast<std::uint32_t>(to.size()), to.data()); }

  void fail(Cause cause) noexcept {
    if (ok()) cause_ = cause;
  }

 private:
  /// Are n bytes within the limit, the open record and the input? Then they need no second look.
  [[nodiscard]] bool at_hand(std::uint32_t n) const noexcept {
    return n <= left() && n <= in_record_ && n <= input_.size() - at_;
  }
  void advance(std::uint32_t n) noexcept {
    at_ += n;
    in_record_ -= n;
    position_ += n;
  }
  std::uint32_t number(unsigned bytes) noexcept {
    if (!at_hand(bytes)) return number_across_records(bytes);
    std::uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value = value << 8 | input_[at_ + i];
    advance(bytes);
    return value;
  }
  std::uint32_t number_across_records(unsigned bytes) noexcept;
  void take(std::uint32_t n, char* to) noexcept;
  bool next_record() noexcept;

  Bytes input_;
  std::size_t at_ = 0;      ///< in the input
  std::size_t in_record_;   ///< bytes left in the open record
  std::uint32_t position_;  ///< handshake bytes read
  std::uint32_t limit_ = kLongest;
  bool first_record_;
  Cause cause_ = Cause::None;
};

}  // namespace sluice
