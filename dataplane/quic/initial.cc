// The SHA-256 block functions that OpenSSL calls deprecated are the only ones whose state can be copied without an
// allocation: with the pads of an HMAC hashed once, a key costs two blocks instead of a context.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dataplane/quic/initial.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <string_view>

namespace sluice {
namespace {

constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kSampleBytes = 16;
constexpr std::size_t kSampleAfterNumberAt = 4;  // RFC 9001 5.4.2: as if the packet number had 4 bytes

using Salt = std::array<std::uint8_t, 20>;
constexpr Salt kSaltV1{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                       0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};  // RFC 9001 5.2
constexpr Salt kSaltV2{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                       0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};  // RFC 9369 3.3.1
constexpr Salt kSaltDraft29{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                            0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};  // draft 29, 5.2

using Secret = std::array<std::uint8_t, SHA256_DIGEST_LENGTH>;

/// HMAC-SHA-256 (RFC 2104) under one key of at most 64 bytes, whose pads are hashed once.
class Hmac {
 public:
  Hmac() noexcept = default;
  explicit Hmac(Bytes key) noexcept {
    start(inner_, key, 0x36);
    start(outer_, key, 0x5c);
  }
  void operator()(Bytes message, Secret& out) const noexcept {
    SHA256_CTX hash = inner_;
    SHA256_Update(&hash, message.data(), message.size());
    SHA256_Final(out.data(), &hash);
    hash = outer_;
    SHA256_Update(&hash, out.data(), out.size());
    SHA256_Final(out.data(), &hash);
  }

 private:
  static void start(SHA256_CTX& hash, Bytes key, std::uint8_t pad) noexcept {
    std::array<std::uint8_t, SHA256_CBLOCK> block{};
    std::ranges::copy(key, block.begin());
    for (std::uint8_t& byte : block) byte ^= pad;
    SHA256_Init(&hash);
    SHA256_Update(&hash, block.data(), block.size());
  }
  SHA256_CTX inner_{}, outer_{};
};

/// HKDF-Expand-Label (RFC 8446 7.1) with an empty context and at most 32 bytes out: one HMAC.
void expand_label(const Hmac& secret, std::string_view label, MutableBytes out) noexcept {
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<std::uint8_t, 64> info;
  std::size_t n = 0;
  info[n++] = 0;
  info[n++] = static_cast<std::uint8_t>(out.size());
  info[n++] = static_cast<std::uint8_t>(kPrefix.size() + label.size());
  for (const std::string_view part : {kPrefix, label}) {
    std::memcpy(&info[n], part.data(), part.size());
    n += part.size();
  }
  info[n++] = 0;  // no context
  info[n++] = 1;  // first block of HKDF-Expand (RFC 5869 2.3)
  Secret block;
  secret({info.data(), n}, block);
  std::memcpy(out.data(), block.data(), out.size());
}

constexpr bool is_spoken(std::uint32_t version) noexcept {
  return version == static_cast<std::uint32_t>(QuicVersion::V1) ||
         version == static_cast<std::uint32_t>(QuicVersion::V2) ||
         version == static_cast<std::uint32_t>(QuicVersion::Draft29);
}

/// Long packet types (RFC 9000 17.2, RFC 9369 3.2).
enum class PacketType : std::uint8_t { Initial, ZeroRtt, Handshake, Retry };
constexpr PacketType packet_type(QuicVersion version, std::uint8_t first) noexcept {
  const unsigned shift = version == QuicVersion::V2 ? 3 : 0;  // v2 counts from Retry
  return static_cast<PacketType>(((first >> 4) + shift) & 3);
}

/// The full packet number that a truncated one of `bits` bits stands for (RFC 9000 A.3).
constexpr std::uint64_t decode_number(std::uint64_t expected, std::uint64_t truncated, unsigned bits) noexcept {
  const std::uint64_t window = std::uint64_t{1} << bits;
  const std::uint64_t half = window / 2;
  const std::uint64_t candidate = (expected & ~(window - 1)) | truncated;
  if (candidate + half <= expected && candidate < (std::uint64_t{1} << 62) - window) return candidate + window;
  if (candidate > expected + half && candidate >= window) return candidate - window;
  return candidate;
}

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
using Cipher = std::unique_ptr<EVP_CIPHER, Freer<EVP_CIPHER_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;

CipherContext make_context(const char* name, bool encrypt) {
  const Cipher cipher(EVP_CIPHER_fetch(nullptr, name, nullptr));
  CipherContext context(EVP_CIPHER_CTX_new());
  if (!cipher || !context ||
      EVP_CipherInit_ex2(context.get(), cipher.get(), nullptr, nullptr, encrypt ? 1 : 0, nullptr) != 1) {
    throw std::bad_alloc();
  }
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  return context;
}

}  // namespace

bool looks_like_quic(Bytes datagram) noexcept {
  if (datagram.size() < 7 || (datagram[0] & 0x80) == 0) return false;
  const std::uint32_t version = load_be32(&datagram[1]);
  return is_spoken(version) || (version & 0x0f0f0f0f) == 0x0a0a0a0a || (version >> 8) == 0xff0000;
}

Cause next_packet(Cursor& datagram, InitialPacket& out, QuicNext& next) noexcept {
  next = QuicNext::End;
  const Bytes rest = datagram.rest();
  if (rest.empty() || (rest[0] & 0x80) == 0) return Cause::None;
  Cursor c(rest);
  const std::uint8_t first = c.u8();
  const std::uint32_t version = c.be32();
  out.dcid = c.bytes(c.u8());
  out.scid = c.bytes(c.u8());
  if (!c.ok()) return Cause::QuicBadHeader;
  if (version == 0) return Cause::None;  // Version Negotiation fills its datagram
  if (!is_spoken(version)) return Cause::QuicVersion;
  if (out.dcid.size() > kMaxConnectionIdBytes || out.scid.size() > kMaxConnectionIdBytes) return Cause::QuicBadHeader;

  out.version = static_cast<QuicVersion>(version);
  const PacketType type = packet_type(out.version, first);
  if (type == PacketType::Retry) return Cause::None;  // fills its datagram too
  out.token = type == PacketType::Initial ? c.bytes(c.varint()) : Bytes{};
  const std::uint64_t length = c.varint();
  out.number_at = c.offset();
  c.skip(length);
  if (!c.ok()) return Cause::QuicBadHeader;
  out.packet = datagram.bytes(c.offset());
  if (type == PacketType::Initial && length < kSampleAfterNumberAt + kSampleBytes) return Cause::QuicBadHeader;
  next = type == PacketType::Initial ? QuicNext::Initial : QuicNext::Other;
  return Cause::None;
}

struct InitialOpener::Contexts {
  Hmac v1{kSaltV1}, v2{kSaltV2}, draft29{kSaltDraft29};
  CipherContext gcm = make_context("AES-128-GCM", false);
  CipherContext ecb = make_context("AES-128-ECB", true);

  [[nodiscard]] const Hmac& salted(QuicVersion version) const noexcept {
    switch (version) {
      case QuicVersion::V2: return v2;
      case QuicVersion::Draft29: return draft29;
      default: return v1;
    }
  }

  [[nodiscard]] bool mask(const InitialKeys& keys, Bytes sample, std::array<std::uint8_t, 16>& out) const noexcept {
    int n = 0;
    return EVP_EncryptInit_ex2(ecb.get(), nullptr, keys.header.data(), nullptr, nullptr) == 1 &&
           EVP_EncryptUpdate(ecb.get(), out.data(), &n, sample.data(), static_cast<int>(sample.size())) == 1;
  }
  [[nodiscard]] bool authenticate(Bytes header) const noexcept {
    int n = 0;
    return EVP_DecryptUpdate(gcm.get(), nullptr, &n, header.data(), static_cast<int>(header.size())) == 1;
  }
  [[nodiscard]] bool decrypt(Bytes sealed, MutableBytes plain) const noexcept {
    const Bytes text = sealed.first(sealed.size() - kTagBytes);
    std::array<std::uint8_t, kTagBytes> tag;
    std::ranges::copy(sealed.last(kTagBytes), tag.begin());
    int n = 0;
    return EVP_DecryptUpdate(gcm.get(), plain.data(), &n, text.data(), static_cast<int>(text.size())) == 1 &&
           EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
           EVP_DecryptFinal_ex(gcm.get(), plain.data() + n, &n) == 1;
  }
};

InitialOpener::InitialOpener() : contexts_(std::make_unique<Contexts>()) {}
InitialOpener::~InitialOpener() = default;

void InitialOpener::derive(QuicVersion version, Bytes dcid, QuicSender sender, InitialKeys& out) noexcept {
  Secret secret;
  contexts_->salted(version)(dcid, secret);  // HKDF-Extract
  expand_label(Hmac(secret), sender == QuicSender::Client ? "client in" : "server in", secret);
  const Hmac labelled(secret);
  const bool v2 = version == QuicVersion::V2;  // RFC 9369 3.3.2
  expand_label(labelled, v2 ? "quicv2 key" : "quic key", out.key);
  expand_label(labelled, v2 ? "quicv2 iv" : "quic iv", out.iv);
  expand_label(labelled, v2 ? "quicv2 hp" : "quic hp", out.header);
}

bool InitialOpener::open(const InitialPacket& packet, const InitialKeys& keys, std::uint64_t expected_number,
                         MutableBytes plain, Opened& out) noexcept {
  const Bytes bytes = packet.packet;
  const std::size_t at = packet.number_at;
  std::array<std::uint8_t, 16> mask;
  if (!contexts_->mask(keys, bytes.subspan(at + kSampleAfterNumberAt, kSampleBytes), mask)) return false;

  const auto first = static_cast<std::uint8_t>(bytes[0] ^ (mask[0] & 0x0f));
  const std::size_t number_bytes = (first & 3U) + 1;
  std::array<std::uint8_t, 4> number_field;
  std::uint64_t truncated = 0;
  for (std::size_t i = 0; i < number_bytes; ++i) {
    number_field[i] = bytes[at + i] ^ mask[1 + i];
    truncated = truncated << 8 | number_field[i];
  }
  const std::uint64_t number = decode_number(expected_number, truncated, static_cast<unsigned>(number_bytes * 8));
  std::array<std::uint8_t, 12> nonce = keys.iv;
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] ^= static_cast<std::uint8_t>(number >> (56 - 8 * i));

  const Bytes sealed = bytes.subspan(at + number_bytes);
  if (sealed.size() < kTagBytes || plain.size() < sealed.size() ||
      EVP_DecryptInit_ex2(contexts_->gcm.get(), nullptr, keys.key.data(), nonce.data(), nullptr) != 1 ||
      !contexts_->authenticate({&first, 1}) || !contexts_->authenticate(bytes.subspan(1, at - 1)) ||
      !contexts_->authenticate({number_field.data(), number_bytes}) || !contexts_->decrypt(sealed, plain)) {
    return false;
  }
  out.frames = plain.first(sealed.size() - kTagBytes);
  out.number = number;
  return true;
}

}  // namespace sluice
