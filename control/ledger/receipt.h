#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "control/ledger/book.h"
#include "control/log/tiles.h"
#include "dataplane/base/result.h"
#include "rules/sign/minisign.h"
#include "rules/text/canonical_json.h"

namespace sluice {

/// How much of the time and of the traffic since the last receipt went by uninspected.
struct Uninspected {
  std::uint64_t bypass_seconds = 0;
  std::uint64_t packets = 0, of_packets = 0;  ///< that passed by the workers, of all that came in
};

/// The acknowledgement of one bundle (schema sluice/receipt/1, docs/interfaces.md): what the log says of it, and since
/// when it is enforced. `unseal` gives entries that are not public yet: a receipt is for the authority that wrote them.
/// The error is one line.
[[nodiscard]] Result<JsonValue, std::string> make_receipt(const Book& book, const LogFiles& files,
                                                          const std::string& feed, const std::string& gateway,
                                                          UnixSeconds applied_at, const Uninspected& uninspected,
                                                          const Book::Unseal& unseal);

/// Receipts on disk: FOLDER/SLUG/EPOCH-SEQ.json and beside it .json.minisig, which minisign verifies, too. The
/// signature is written last: without it there is no receipt yet.
class ReceiptFiles {
 public:
  explicit ReceiptFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] bool has(const std::string& feed, const Book::Release& release) const;
  Result<void, std::string> put(const JsonValue& receipt, const MinisignSecretKey& key) const;

  struct Signed {
    std::string receipt, signature;  ///< texts of the two files
  };
  /// The latest first, at most `most`; of all feeds where `feed` is empty.
  [[nodiscard]] std::vector<Signed> latest(const std::string& feed, std::size_t most) const;

 private:
  [[nodiscard]] std::filesystem::path place(const std::string& feed, std::uint64_t epoch, std::uint64_t seq) const;

  std::filesystem::path folder_;
};

/// Whether `key` signed this very receipt; the error says why not.
[[nodiscard]] Result<JsonValue, std::string> verify_receipt(std::string_view receipt, std::string_view signature,
                                                            const MinisignPublicKey& key);

}  // namespace sluice
