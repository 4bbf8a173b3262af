#include "rules/convert/master_file.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace sluice {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}
std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

/// "3600", "1h30m"
bool is_ttl(std::string_view word) {
  const auto unit = [](char c) { return std::string_view("smhdwSMHDW").find(c) != std::string_view::npos; };
  return !word.empty() && is_digit(word.front()) &&
         std::ranges::all_of(word, [&](char c) { return is_digit(c) || unit(c); });
}
bool is_class(std::string_view word) {
  const std::string w = upper(word);
  return w == "IN" || w == "CH" || w == "HS";
}

/// One entry: its words, which may span lines in parentheses.
struct Entry {
  std::uint32_t line = 0;
  bool owner_left_out = false;
  std::vector<std::string> words;
};

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// False at the end. An entry without words is an empty line.
  bool next(Entry& entry) {
    if (at_ == text_.size()) return false;
    entry = {line_, text_[at_] == ' ' || text_[at_] == '\t', {}};
    unsigned depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++at_, ++line_;
        if (depth == 0) return true;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else if (c == ';') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '(') {
        ++at_, ++depth;
      } else if (c == ')') {
        ++at_, depth -= depth > 0;
      } else {
        entry.words.push_back(c == '"' ? quoted() : word());
      }
    }
    return true;
  }

 private:
  std::string word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && std::string_view(" \t\r\n;()\"").find(text_[at_]) == std::string_view::npos) {
      at_ += text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n' ? 2 : 1;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }
  std::string quoted() {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n' ? 2 : 1;
    }
    if (at_ < text_.size() && text_[at_] == '"') ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

class Reader {
 public:
  Reader(const std::function<void(const MasterRecord&)>& on_record,
         const std::function<void(std::uint32_t, std::string)>& on_error)
      : on_record_(on_record), on_error_(on_error) {}

  void take(const Entry& entry) {
    if (entry.words.empty()) return;
    if (entry.words[0].starts_with('$')) return directive(entry);
    std::size_t i = 0;
    if (!entry.owner_left_out) owner_ = absolute(entry.words[i++]);
    if (!owner_) return on_error_(entry.line, "no owner name");
    while (i < entry.words.size() && (is_ttl(entry.words[i]) || is_class(entry.words[i]))) ++i;
    if (i + 1 >= entry.words.size()) return on_error_(entry.line, "no record");
    MasterRecord record{owner_->substr(0, owner_->size() - 1), upper(entry.words[i]), {}, entry.line};
    if (record.type == "CNAME") {
      const auto target = absolute(entry.words[i + 1]);
      if (!target || entry.words.size() != i + 2) return on_error_(entry.line, "a CNAME names one name");
      record.data = *target;
    } else {
      for (std::size_t w = i + 1; w < entry.words.size(); ++w) record.data += (w == i + 1 ? "" : " ") + entry.words[w];
    }
    on_record_(record);
  }

 private:
  void directive(const Entry& entry) {
    const std::string name = upper(entry.words[0]);
    if (name == "$TTL") return;
    if (name != "$ORIGIN" || entry.words.size() != 2) return on_error_(entry.line, entry.words[0] + ": not read here");
    if (const auto origin = absolute(entry.words[1])) {
      origin_ = *origin;
    } else {
      on_error_(entry.line, "not an origin");
    }
  }

  /// With its final dot. Nothing for an escape or more bytes than any name has.
  std::optional<std::string> absolute(std::string_view word) const {
    if (word.find_first_of("\\\"") != std::string_view::npos) return std::nullopt;
    std::string name = word == "@" ? origin_ : lower(word);
    if (!name.ends_with('.')) name += origin_ == "." ? origin_ : "." + origin_;
    if (name.size() > 512) return std::nullopt;
    return name;
  }

  const std::function<void(const MasterRecord&)>& on_record_;
  const std::function<void(std::uint32_t, std::string)>& on_error_;
  std::string origin_ = ".";
  std::optional<std::string> owner_;
};

}  // namespace

void read_master_file(std::string_view text, const std::function<void(const MasterRecord&)>& on_record,
                      const std::function<void(std::uint32_t, std::string)>& on_error) {
  Scanner scanner(text);
  Reader reader(on_record, on_error);
  for (Entry entry; scanner.next(entry);) reader.take(entry);
}

}  // namespace sluice
