#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Records of RFC 4180, one after the other.
class CsvRecords {
 public:
  CsvRecords(std::string_view text, char separator) : rest_(text), separator_(separator) {}

  /// False at the end. `line` is where the record begins.
  bool next(std::vector<std::string>& fields, std::uint32_t& line) {
    if (rest_.empty()) return false;
    fields.assign(1, {});
    line = line_;
    bool quoted = false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      line_ += c == '\n';
      if (quoted && c == '"') {
        quoted = rest_.starts_with('"');
        if (!quoted) continue;
        rest_.remove_prefix(1);
      } else if (!quoted && c == '"' && fields.back().empty()) {
        quoted = true;
        continue;
      } else if (!quoted && c == separator_) {
        fields.emplace_back();
        continue;
      } else if (!quoted && c == '\n') {
        break;
      }
      fields.back() += c;
    }
    if (fields.back().ends_with('\r')) fields.back().pop_back();
    return true;
  }

 private:
  std::string_view rest_;
  char separator_;
  std::uint32_t line_ = 1;
};

}  // namespace sluice
