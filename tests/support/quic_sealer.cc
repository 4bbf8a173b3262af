#include "tests/support/quic_sealer.h"

#include <openssl/evp.h>

#include <map>
#include <stdexcept>
#include <string>
#include <tuple>

namespace sluice::test {
namespace {

void check(bool fine) {
  if (!fine) throw std::runtime_error("OpenSSL failed");
}

void append(ByteVector& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
void append(ByteVector& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}
void append_be16(ByteVector& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

ByteVector hmac(const ByteVector& key, const ByteVector& message) {
  ByteVector out(EVP_MAX_MD_SIZE);
  std::size_t n = 0;
  check(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(), message.data(), message.size(),
                  out.data(), out.size(), &n) != nullptr);
  out.resize(n);
  return out;
}

// HKDF-Expand-Label (RFC 8446 7.1), written from HKDF-Expand (RFC 5869 2.3): T(1) is enough.
ByteVector expand_label(const ByteVector& secret, const std::string& label, std::size_t bytes) {
  ByteVector info;
  append_be16(info, bytes);
  info.push_back(static_cast<std::uint8_t>(6 + label.size()));
  append(info, std::string_view("tls13 "));
  append(info, std::string_view(label));
  info.push_back(0);
  info.push_back(1);
  ByteVector out = hmac(secret, info);
  out.resize(bytes);
  return out;
}

struct Keys {
  ByteVector key, iv, header;
};

Keys derive_keys(const InitialToSeal& initial) {
  const char* salt = initial.version == 1            ? "38762cf7f55934b34d179ae6a4c80cadccbb7f0a"
                     : initial.version == 0x6b3343cf ? "0dede3def700a6db819381be6e269dcbf9bd2ed9"
                                                     : "afbfec289993d24c9e9786f19c6111e04390a899";
  const ByteVector secret = hmac(from_hex(salt), initial.keys_from);
  const ByteVector side = expand_label(secret, initial.from_server ? "server in" : "client in", 32);
  const std::string prefix = initial.version == 0x6b3343cf ? "quicv2 " : "quic ";
  return {expand_label(side, prefix + "key", 16), expand_label(side, prefix + "iv", 12),
          expand_label(side, prefix + "hp", 16)};
}

/// Derived keys are kept: fuzzers and floods seal many Initials of few connections.
const Keys& keys_of(const InitialToSeal& initial) {
  constexpr std::size_t kMost = 4096;
  static std::map<std::tuple<std::uint32_t, bool, ByteVector>, Keys> known;
  if (known.size() == kMost) known.clear();
  const auto [at, fresh] = known.try_emplace({initial.version, initial.from_server, initial.keys_from});
  if (fresh) at->second = derive_keys(initial);
  return at->second;
}

ByteVector encrypt(const EVP_CIPHER* cipher, const ByteVector& key, const ByteVector& iv, Bytes header, Bytes plain) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  check(EVP_EncryptInit_ex(context, cipher, nullptr, key.data(), iv.empty() ? nullptr : iv.data()) == 1);
  EVP_CIPHER_CTX_set_padding(context, 0);
  int n = 0;
  if (!header.empty())
    check(EVP_EncryptUpdate(context, nullptr, &n, header.data(), static_cast<int>(header.size())) == 1);
  ByteVector out(plain.size() + 16);
  check(EVP_EncryptUpdate(context, out.data(), &n, plain.data(), static_cast<int>(plain.size())) == 1);
  check(EVP_EncryptFinal_ex(context, out.data() + n, &n) == 1);
  if (iv.empty()) {
    out.resize(plain.size());
  } else {
    check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, out.data() + plain.size()) == 1);
  }
  EVP_CIPHER_CTX_free(context);
  return out;
}

}  // namespace

ByteVector from_hex(std::string_view hex) {
  ByteVector out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

void append_varint(ByteVector& out, std::uint64_t value) {
  const unsigned log = value < 64 ? 0 : value < 16384 ? 1 : value < (1U << 30) ? 2 : 3;
  for (unsigned i = 1U << log; i > 0; --i) {
    const auto byte = static_cast<std::uint8_t>(value >> (8 * (i - 1)));
    out.push_back(i == 1U << log ? static_cast<std::uint8_t>(byte | log << 6) : byte);
  }
}

void append_crypto(ByteVector& out, std::uint64_t offset, Bytes data) {
  out.push_back(0x06);
  append_varint(out, offset);
  append_varint(out, data.size());
  append(out, data);
}

ByteVector seal(const InitialToSeal& initial) {
  ByteVector frames = initial.frames;
  if (frames.size() < initial.pad_frames_to) frames.resize(initial.pad_frames_to);
  const unsigned type = initial.version == 0x6b3343cf ? 1 : 0;
  ByteVector packet{
      static_cast<std::uint8_t>(0x80 | (initial.fixed_bit ? 0x40 : 0) | type << 4 | (initial.number_bytes - 1))};
  append_be16(packet, initial.version >> 16);
  append_be16(packet, initial.version & 0xffff);
  for (const ByteVector* id : {&initial.dcid, &initial.scid}) {
    packet.push_back(static_cast<std::uint8_t>(id->size()));
    append(packet, *id);
  }
  append_varint(packet, initial.token.size());
  append(packet, initial.token);
  const std::size_t length = initial.number_bytes + frames.size() + 16;
  packet.push_back(static_cast<std::uint8_t>(0x40 | length >> 8));  // always two bytes, as the RFCs' examples
  packet.push_back(static_cast<std::uint8_t>(length));
  const std::size_t number_at = packet.size();
  for (unsigned i = initial.number_bytes; i > 0; --i) {
    packet.push_back(static_cast<std::uint8_t>(initial.number >> (8 * (i - 1))));
  }
  const Keys& keys = keys_of(initial);
  ByteVector nonce = keys.iv;
  for (unsigned i = 0; i < 8; ++i) nonce[4 + i] ^= static_cast<std::uint8_t>(initial.number >> (56 - 8 * i));
  append(packet, encrypt(EVP_aes_128_gcm(), keys.key, nonce, packet, frames));
  const ByteVector mask = encrypt(EVP_aes_128_ecb(), keys.header, {}, {}, Bytes{&packet[number_at + 4], 16});
  packet[0] ^= static_cast<std::uint8_t>(mask[0] & 0x0f);
  for (unsigned i = 0; i < initial.number_bytes; ++i) packet[number_at + i] ^= mask[1 + i];
  return packet;
}

ByteVector client_hello(std::string_view name, std::size_t filler) {
  ByteVector extensions;
  if (filler > 0) {
    append_be16(extensions, 0xfafa);  // reserved (RFC 8701)
    append_be16(extensions, filler);
    extensions.resize(extensions.size() + filler, 0xaa);
  }
  append_be16(extensions, 0);  // server_name
  append_be16(extensions, name.size() + 5);
  append_be16(extensions, name.size() + 3);
  extensions.push_back(0);
  append_be16(extensions, name.size());
  append(extensions, name);

  ByteVector body{3, 3};
  body.resize(body.size() + 32, 0x5a);  // random
  body.push_back(0);                    // session id
  append(body, ByteVector{0, 2, 0x13, 0x01, 1, 0});
  append_be16(body, extensions.size());
  append(body, extensions);
  ByteVector message{1, static_cast<std::uint8_t>(body.size() >> 16)};
  append_be16(message, body.size() & 0xffff);
  append(message, body);
  return message;
}

}  // namespace sluice::test
