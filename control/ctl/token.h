#pragma once

#include <string>

#include "control/ctl/author.h"
#include "dataplane/base/result.h"

namespace sluice {

/// An Ed25519 key that never leaves its token (smart card, HSM, SoftHSM), reached through a PKCS#11 2.40 module.
struct TokenKey {
  std::string module;         ///< path of the shared object
  std::string label;          ///< CKA_LABEL; empty: the only Ed25519 key there is
  std::string pin_file;       ///< whose first line is the PIN; empty: asked for
  std::string public_file{};  ///< minisign public key of that key, which gives its key number
};

/// Signs with CKM_EDDSA (PKCS#11 3.0, 2.3.14): over the BLAKE2b-512 digest, and over the signature with the trusted
/// comment, as minisign does. Each signature is verified with the public key before it is given out. The error is one
/// line.
[[nodiscard]] Result<Signer, std::string> token_signer(const TokenKey& key);

/// Writes a minisign public key file of the token's key; its number are the first bytes of the key's BLAKE2b hash.
int run_token_public(const TokenKey& key, const std::string& out);

}  // namespace sluice
