#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "control/ledger/book.h"
#include "control/ledger/private_files.h"
#include "rules/model/name.h"

namespace sluice {

/// An order whose names are published as commitments only.
struct LookupOrder {
  std::string feed, order;
  std::uint64_t index = 0;  ///< of its entry
  std::string list;         ///< SHA-256 of the file of commitments
};
[[nodiscard]] std::vector<LookupOrder> lookup_orders(const Book& book);

/// Opens to whoever asks for a name its commitments, and no other: JSON {"name","openings":[{"feed","order","entry",
/// "list","target","salt","commitment"}]}; commitment = SHA-256(salt | target), a line of the file targets/LIST.
[[nodiscard]] std::string answer_lookup(const Name& name, std::span<const LookupOrder> orders,
                                        const std::filesystem::path& lists, const PrivateFiles& secrets);

}  // namespace sluice
