#include "rules/model/root.h"

#include <sodium.h>

#include <algorithm>

namespace sluice {
namespace {

constexpr std::size_t kBlobBytes = 2 + 8 + 32;

}  // namespace

std::string_view to_string(Party party) noexcept {
  switch (party) {
    case Party::Requester: return "requester";
    case Party::Independent: return "independent";
    case Party::Operator: return "operator";
  }
  return "?";
}

std::optional<Party> party_from(std::string_view text) noexcept {
  for (const Party party : {Party::Requester, Party::Independent, Party::Operator}) {
    if (text == to_string(party)) return party;
  }
  return std::nullopt;
}

std::optional<MinisignPublicKey> minisign_public_key(std::string_view base64) {
  std::array<std::uint8_t, kBlobBytes> blob{};
  std::size_t length = 0;
  if (sodium_base642bin(blob.data(), blob.size(), base64.data(), base64.size(), nullptr, &length, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      length != blob.size() || blob[0] != 'E' || blob[1] != 'd') {
    return std::nullopt;
  }
  MinisignPublicKey out;
  std::copy_n(blob.begin() + 2, out.number.size(), out.number.begin());
  std::copy_n(blob.begin() + 10, out.key.size(), out.key.begin());
  return out;
}

std::string to_base64(const MinisignPublicKey& key) {
  std::array<std::uint8_t, kBlobBytes> blob{'E', 'd'};
  std::ranges::copy(key.number, blob.begin() + 2);
  std::ranges::copy(key.key, blob.begin() + 10);
  std::array<char, sodium_base64_ENCODED_LEN(kBlobBytes, sodium_base64_VARIANT_ORIGINAL)> text{};
  sodium_bin2base64(text.data(), text.size(), blob.data(), blob.size(), sodium_base64_VARIANT_ORIGINAL);
  return text.data();
}

std::string key_id(const std::array<std::uint8_t, 8>& number) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (auto byte = number.rbegin(); byte != number.rend(); ++byte) {
    out += kHex[*byte >> 4];
    out += kHex[*byte & 15];
  }
  return out;
}

unsigned signers_of(const Root& root, std::span<const std::size_t> signers, Party party) noexcept {
  return static_cast<unsigned>(
      std::ranges::count_if(signers, [&](std::size_t i) { return root.keys[i].party == party; }));
}

}  // namespace sluice
