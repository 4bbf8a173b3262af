#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "rules/image/image.h"

namespace sluice {

/// image.pub: 64 hex digits. Nothing where the file holds something else; throws std::system_error where it cannot be
/// read.
[[nodiscard]] std::optional<Ed25519PublicKey> read_image_key(const std::string& file);

/// A whole rule image, unchecked. Throws std::system_error.
[[nodiscard]] std::vector<std::uint8_t> read_image(const std::filesystem::path& file);

}  // namespace sluice
