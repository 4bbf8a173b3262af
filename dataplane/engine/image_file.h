#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/image/image.h"

namespace sluice {

/// Copies a file into private memory: what happens to it on disk afterwards is of no concern. Errors: "unreadable" (no
/// regular file, or one that cannot be read), "too-large" (over `most_bytes`), "truncated" (shrank while it was read).
[[nodiscard]] Result<std::vector<std::uint8_t>, std::string> read_image_file(const std::filesystem::path& path,
                                                                             std::uint64_t most_bytes);

/// Reads the image signer's public key: 64 hex digits, white space around them allowed. Error: a sentence for people.
[[nodiscard]] Result<Ed25519PublicKey, std::string> read_image_key(const std::filesystem::path& path);

[[nodiscard]] std::string hex(const Sha256& hash);

}  // namespace sluice
