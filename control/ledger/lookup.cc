#include "control/ledger/lookup.h"

#include <fstream>

#include "control/ledger/target_lists.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

constexpr std::streamoff kLine = 65;  ///< 64 hex digits and the line end

/// Binary search in a sorted file of commitments.
bool contains(const std::filesystem::path& file, const std::string& commitment) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return false;
  std::streamoff low = 0, high = in.tellg() / kLine;
  std::string line(64, '\0');
  while (low < high) {
    const std::streamoff middle = low + (high - low) / 2;
    in.seekg(middle * kLine).read(line.data(), 64);
    if (!in) return false;
    if (line == commitment) return true;
    (line < commitment ? low : high) = line < commitment ? middle + 1 : middle;
  }
  return false;
}

}  // namespace

std::vector<LookupOrder> lookup_orders(const Book& book) {
  std::vector<LookupOrder> out;
  for (const auto& [feed, said] : book.feeds()) {
    for (const auto& [id, order] : said.orders) {
      if (!order.commitments.empty()) out.push_back({feed, id, order.index, order.commitments});
    }
  }
  return out;
}

std::string answer_lookup(const Name& name, std::span<const LookupOrder> orders, const std::filesystem::path& lists,
                          const PrivateFiles& secrets) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("name", name.text()).key("openings").begin_array();
  for (const LookupOrder& order : orders) {
    for (const Scope scope : {Scope::Exact, Scope::Subtree}) {
      const std::string line = target_line(NameTarget{name, scope});
      const std::string salt = secrets.salt(commitment_subject(order.feed, order.order, line));
      const std::string commitment = secrets.commitment(salt, line);
      if (!contains(lists / order.list, commitment)) continue;
      json.begin_object().member("feed", order.feed).member("order", order.order).member("entry", order.index);
      json.member("list", order.list).member("target", line).member("salt", salt);
      json.member("commitment", commitment).end_object();
    }
  }
  json.end_array().end_object();
  return out + "\n";
}

}  // namespace sluice
