#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"

namespace sluice::test {

using ByteVector = std::vector<std::uint8_t>;

/// "0a0b…" → bytes.
[[nodiscard]] ByteVector from_hex(std::string_view hex);

/// An Initial to be made. Shares no code with what is tested: one-shot calls of OpenSSL alone.
struct InitialToSeal {
  std::uint32_t version = 1;
  ByteVector keys_from;  ///< Destination Connection ID that the keys come from
  ByteVector dcid, scid, token;
  std::uint64_t number = 0;
  unsigned number_bytes = 4;
  bool from_server = false;
  bool fixed_bit = true;
  ByteVector frames;
  std::size_t pad_frames_to = 0;  ///< PADDING frames up to so many bytes of frames
};
[[nodiscard]] ByteVector seal(const InitialToSeal& initial);

/// A QUIC variable-length integer in its shortest form, and a CRYPTO frame.
void append_varint(ByteVector& out, std::uint64_t value);
void append_crypto(ByteVector& out, std::uint64_t offset, Bytes data);

/// A ClientHello message for a server name, `filler` bytes of another extension before it.
[[nodiscard]] ByteVector client_hello(std::string_view name, std::size_t filler = 0);

}  // namespace sluice::test
