#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rules/image/format.h"
#include "rules/image/image.h"

namespace sluice {

/// The content of one section before it has its place in the file.
struct SectionBytes {
  const std::uint8_t* data = nullptr;
  std::size_t bytes = 0;
  std::size_t count = 0;
};
template <class Record>
[[nodiscard]] SectionBytes section_of(const std::vector<Record>& records) {
  return {reinterpret_cast<const std::uint8_t*>(records.data()), records.size() * sizeof(Record), records.size()};
}

/// Lays the sections out behind `header`, whose magic, version, sizes, hash, section table and signature are filled in.
[[nodiscard]] std::vector<std::uint8_t> assemble_image(ImageHeader header,
                                                       const std::array<SectionBytes, kSectionCount>& sections,
                                                       const Ed25519SecretKey& key);

/// Computes the hash of the body and the signature of the header anew: what makes a changed image consistent again.
/// `image` holds at least an ImageHeader. For tests and for the writer.
void seal_image(std::span<std::uint8_t> image, const Ed25519SecretKey& key);

}  // namespace sluice
