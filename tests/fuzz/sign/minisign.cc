// Whatever bytes come: no crash. The first byte says what they are taken for. What is accepted is written and read
// again the same; encrypted secret keys are not tried (their work is bounded by libsodium, not by this reader).
#include "rules/sign/minisign.h"

#include <cstdlib>

using namespace sluice;

namespace {

void as_signature(std::string_view text) {
  const auto signature = read_signature(text);
  if (!signature.has_value()) return;
  const auto again = read_signature(write_signature(*signature));
  if (!again.has_value() || again->signature != signature->signature || again->global != signature->global ||
      again->trusted_comment != signature->trusted_comment) {
    std::abort();
  }
  static const MinisignPublicKey key = public_key_of(generate_minisign_key());
  if (verify(key, Blake2b512{}, *signature)) std::abort();
}

void as_public_key(std::string_view text) {
  const auto key = read_public_key(text);
  if (!key.has_value()) return;
  const auto again = read_public_key(write_public_key(*key));
  if (!again.has_value() || *again != *key) std::abort();
}

void as_secret_key(std::string_view text) {
  const auto key = read_secret_key(text, std::nullopt);
  if (!key.has_value()) return;
  const auto again = read_secret_key(*write_secret_key(*key, std::nullopt), std::nullopt);
  if (!again.has_value() || again->key != key->key || again->number != key->number) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0: as_signature(text); break;
    case 1: as_public_key(text); break;
    default: as_secret_key(text);
  }
  return 0;
}
