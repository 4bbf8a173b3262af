#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Rows of text in aligned columns, two blanks apart, for people. The last column is not padded.
class Table {
 public:
  /// One heading a column; ">SEQ" is set flush right (as numbers are).
  explicit Table(std::vector<std::string> headings);
  void row(std::vector<std::string> cells);  ///< as many as there are headings
  [[nodiscard]] bool empty() const noexcept { return rows_.size() == 1; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;  ///< the headings first
};

/// 1234567 → "1 234 567"
[[nodiscard]] std::string grouped(std::uint64_t n);
/// 90061 → "1 d 1 h"; the two largest units.
[[nodiscard]] std::string duration(std::int64_t seconds);
/// Columns a terminal needs for UTF-8 text (code points; East Asian width is left aside).
[[nodiscard]] std::size_t width(std::string_view utf8) noexcept;
/// Text from elsewhere, safe to print: control bytes become '?'.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace sluice
