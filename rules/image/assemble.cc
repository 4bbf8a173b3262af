#include "rules/image/assemble.h"

#include <sodium.h>

#include <cstring>

namespace sluice {

std::vector<std::uint8_t> assemble_image(ImageHeader header, const std::array<SectionBytes, kSectionCount>& sections,
                                         const Ed25519SecretKey& key) {
  const auto aligned = [](std::size_t n) { return (n + kSectionAlign - 1) / kSectionAlign * kSectionAlign; };
  std::size_t at = sizeof(ImageHeader);
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    header.sections[i] = {at, sections[i].bytes, sections[i].count};
    at = aligned(at + sections[i].bytes);
  }
  header.magic = kImageMagic;
  header.version = kImageVersion;
  header.header_bytes = sizeof(ImageHeader);
  header.file_bytes = at;

  std::vector<std::uint8_t> image(at, 0);
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    if (sections[i].bytes > 0) std::memcpy(&image[header.sections[i].offset], sections[i].data, sections[i].bytes);
  }
  std::memcpy(image.data(), &header, sizeof header);
  seal_image(image, key);
  return image;
}

void seal_image(std::span<std::uint8_t> image, const Ed25519SecretKey& key) {
  std::uint8_t* const hash = image.data() + offsetof(ImageHeader, body_hash);
  const std::span<const std::uint8_t> body = image.subspan(sizeof(ImageHeader));
  crypto_generichash(hash, sizeof(ImageHeader::body_hash), body.data(), body.size(), nullptr, 0);
  crypto_sign_detached(image.data() + offsetof(ImageHeader, signature), nullptr, image.data(), kSignedBytes,
                       key.data());
}

}  // namespace sluice
