#include "rules/image/names_table.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <set>
#include <string>

#include "rules/image/name_hash.h"

using namespace sluice;

namespace {

std::size_t entries_of(const NamesTable& table) {
  std::size_t entries = 0;
  for (const Bucket& bucket : table.buckets) {
    for (const std::uint32_t entry : bucket.entries) entries += entry != 0 ? 1 : 0;
  }
  return entries;
}

std::uint64_t hash_of_label(std::string_view label, char around) {
  std::string text = std::string(16, around) + std::string(label);
  return hash_label(7, text.data() + text.size(), label.size());
}

}  // namespace

TEST_CASE("names table: an entry for every name and every proper suffix of two labels or more, once") {
  const auto table = build_names_table({{"a.b.c.d", 0}, {"x.b.c.d", 0}, {"c.d", 0}, {"e.d", 0}, {"top", 0}}, 1);
  REQUIRE(table.has_value());
  // a.b.c.d x.b.c.d b.c.d c.d e.d top; no entry for "d"
  CHECK(entries_of(*table) == 6);
  CHECK(table->single_label);
  CHECK_FALSE(build_names_table({{"a.b", 0}}, 1)->single_label);
}

TEST_CASE("names table: an empty one can be asked, too") {
  const auto table = build_names_table({}, 1);
  REQUIRE(table.has_value());
  CHECK(table->buckets.size() == 1);
  CHECK(table->filter.size() == 1);
}

TEST_CASE("names table: overflowing buckets go on in the next one, within max_probe") {
  std::vector<std::string> texts;
  for (int i = 0; i < 100'000; ++i) texts.push_back("n" + std::to_string(i) + ".example.org");
  std::vector<TableName> names;
  for (const std::string& text : texts) names.push_back({text, 0});
  const auto table = build_names_table(names, 99);
  REQUIRE(table.has_value());
  CHECK(table->max_probe > 0);
  CHECK(table->max_probe <= kMaxProbe);
  CHECK(entries_of(*table) == texts.size() + 1);
  const double load = static_cast<double>(entries_of(*table)) / static_cast<double>(table->buckets.size() * 8);
  CHECK(load == Approx(0.75).epsilon(0.01));
}

TEST_CASE("name hash: depends on every byte and the length of a label, on nothing around it") {
  std::set<std::uint64_t> seen;
  for (std::size_t length = 1; length <= 63; ++length) {
    const std::string label(length, 'a');
    CHECK(hash_of_label(label, '.') == hash_of_label(label, '\0'));
    CHECK(seen.insert(hash_of_label(label, '.')).second);
    for (std::size_t i = 0; i < length; ++i) {
      std::string changed = label;
      changed[i] = 'b';
      CHECK(seen.insert(hash_of_label(changed, '.')).second);
    }
  }
}
