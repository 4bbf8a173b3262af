#include "rules/sign/digest.h"

namespace sluice {

Digester::Digester() {
  crypto_generichash_blake2b_init(&blake2b_, nullptr, 0, Blake2b512{}.size());
  crypto_hash_sha256_init(&sha256_);
}

void Digester::add(Bytes bytes) {
  crypto_generichash_blake2b_update(&blake2b_, bytes.data(), bytes.size());
  crypto_hash_sha256_update(&sha256_, bytes.data(), bytes.size());
}

Digests Digester::finish() {
  Digests out;
  crypto_generichash_blake2b_final(&blake2b_, out.blake2b.data(), out.blake2b.size());
  crypto_hash_sha256_final(&sha256_, out.sha256.data());
  return out;
}

Digests digests_of(std::string_view bytes) {
  Digester digester;
  digester.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  return digester.finish();
}

Sha256 sha256_of(std::string_view bytes) {
  Sha256 out;
  crypto_hash_sha256(out.data(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return out;
}

std::string to_hex(Bytes bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

}  // namespace sluice
