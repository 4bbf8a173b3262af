#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"
#include "rules/text/canonical_json.h"
#include "rules/tlog/note.h"

namespace sluice {

/// What the log holds back for now: entries whose publication is delayed, and the salts of commitments. Salts follow
/// from the log's key and what they salt, so that nothing has to be kept for them and a repetition gives the same.
///
///   sealed/COMMITMENT     a sealed entry, until it is revealed
///   held/SHA256           the target list of such an order
class PrivateFiles {
 public:
  PrivateFiles(std::filesystem::path folder, const NoteSigner& key);

  /// Keeps the entry durably and gives its commitment, 64 hex digits.
  Result<std::string, std::string> seal(const JsonValue& entry) const;
  [[nodiscard]] std::optional<JsonValue> unseal(std::string_view commitment) const;
  void forget(std::string_view commitment) const;

  /// 32 bytes for `text`, in hex.
  [[nodiscard]] std::string salt(std::string_view text) const;
  /// SHA-256(salt | text), in hex.
  [[nodiscard]] std::string commitment(std::string_view salt_hex, std::string_view text) const;

  [[nodiscard]] std::filesystem::path held() const { return folder_ / "held"; }

 private:
  std::filesystem::path folder_;
  std::string salt_key_;
};

/// Writes a file under a temporary name, syncs, renames, syncs the folder; creates the folder where missing. The error
/// is one line.
[[nodiscard]] Result<void, std::string> keep_file(const std::filesystem::path& file, std::string_view bytes);

}  // namespace sluice
