#pragma once

#include <string>

#include "dataplane/base/result.h"
#include "rules/image/image.h"

namespace sluice {

/// Makes the key pair of the local image signer: `secret_path` (0600, 64 hex digits: the Ed25519 seed, RFC 8032 5.1.5)
/// and `public_path` (0644, 64 hex digits). Never overwrites a file. Gives a text for people where it fails.
[[nodiscard]] Result<void, std::string> make_image_key(const std::string& secret_path, const std::string& public_path);

/// Reads the secret. Refuses a file that others may read.
[[nodiscard]] Result<Ed25519SecretKey, std::string> read_image_key(const std::string& secret_path);

}  // namespace sluice
