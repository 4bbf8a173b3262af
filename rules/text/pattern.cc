#include "rules/text/pattern.h"

#include <hs.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

#include "rules/text/bundle_jsonl.h"
#include "rules/text/public_suffix.h"

namespace sluice {
namespace {

constexpr unsigned kMaxRepeat = 253;  // a name has no more bytes
constexpr unsigned kMaxDepth = 32;
constexpr std::size_t kMaxEndings = 256;

/// A way in which a part of the pattern can end. `whole`: it is all that the part matches there.
struct Ending {
  std::string text;
  bool whole = true;
};

/// What the rule asks of a part of the pattern.
struct Part {
  std::vector<Ending> endings{{}};
  bool dot = false;  ///< it can match a dot
};

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  Result<Part, PatternProblem> parse() {
    Part part = alternatives(0);
    if (!problem_ && at_ < pattern_.size()) fail(at_, "a \")\" that nothing opened");
    if (problem_) return std::unexpected(std::move(*problem_));
    return part;
  }

 private:
  [[nodiscard]] bool more() const { return !problem_ && at_ < pattern_.size(); }
  [[nodiscard]] char peek() const { return pattern_[at_]; }
  Part fail(std::size_t at, std::string what) {
    if (!problem_) problem_ = std::make_unique<PatternProblem>(PatternProblem{at, std::move(what)});
    return {};
  }
  static Part literal(char c) { return {{{std::string(1, c), true}}, c == '.'}; }
  static Part any(bool dot) { return {{{"", false}}, dot}; }

  Part alternatives(unsigned depth) {
    Part out = sequence(depth);
    while (more() && peek() == '|') {
      ++at_;
      const Part next = sequence(depth);
      out.dot |= next.dot;
      out.endings.insert(out.endings.end(), next.endings.begin(), next.endings.end());
      if (out.endings.size() > kMaxEndings) return fail(at_, "too many alternatives");
    }
    return out;
  }

  Part sequence(unsigned depth) {
    std::vector<Part> parts;
    while (more() && peek() != '|' && peek() != ')') parts.push_back(repeated(depth));
    Part out;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      out.dot |= part->dot;
      if (!prepend(*part, out.endings)) return fail(at_, "too many alternatives");
    }
    return out;
  }

  /// Puts what can stand before in front of those endings that reach back to their beginning.
  static bool prepend(const Part& before, std::vector<Ending>& endings) {
    std::vector<Ending> longer;
    for (const Ending& after : endings) {
      if (!after.whole) {
        longer.push_back(after);
        continue;
      }
      for (const Ending& ending : before.endings) longer.push_back({ending.text + after.text, ending.whole});
      if (longer.size() > kMaxEndings) return false;
    }
    endings = std::move(longer);
    return true;
  }

  Part repeated(unsigned depth) {
    const std::size_t start = at_;
    Part part = atom(depth);
    if (!more()) return part;
    unsigned least = 1, most = 1;
    switch (peek()) {
      case '?':
        least = 0;
        ++at_;
        break;
      case '*':
        least = 0;
        most = kMaxRepeat + 1;
        ++at_;
        break;
      case '+':
        most = kMaxRepeat + 1;
        ++at_;
        break;
      case '{':
        if (!bounds(least, most)) return {};
        break;
      default: return part;
    }
    if (more() && (peek() == '?' || peek() == '*' || peek() == '+' || peek() == '{')) {
      return fail(at_, "a repeat of a repeat: use a group");
    }
    if (most > kMaxRepeat && part.dot)
      return fail(start, "an unbounded repeat must stay inside one label: no dot in it");
    if (least == 1 && most == 1) return part;
    return any(part.dot);
  }

  bool bounds(unsigned& least, unsigned& most) {
    const std::size_t start = at_++;
    least = number(start);
    most = least;
    if (more() && peek() == ',') {
      ++at_;
      most = more() && peek() == '}' ? kMaxRepeat + 1 : number(start);
    }
    if (!more() || peek() != '}') return fail(start, "expected {n}, {n,} or {n,m}"), false;
    ++at_;
    if (most < least || most == 0) return fail(start, "an empty range of repeats"), false;
    return !problem_;
  }

  unsigned number(std::size_t start) {
    unsigned value = 0;
    const char* begin = pattern_.data() + at_;
    const auto read = std::from_chars(begin, pattern_.data() + pattern_.size(), value);
    if (read.ec != std::errc{} || value > kMaxRepeat) {
      fail(start, "expected {n}, {n,} or {n,m} with numbers up to 253");
      return 0;
    }
    at_ += static_cast<std::size_t>(read.ptr - begin);
    return value;
  }

  Part atom(unsigned depth) {
    const char c = peek();
    if (c == '(') return group(depth);
    if (c == '[') return char_class();
    if (c == '\\') return escape();
    if (c == '.') return fail(at_, "an unescaped \".\": write \\. for a dot, [^.] for any other character");
    if (c == '^' || c == '$') return fail(at_, "anchors are not needed: the whole name is matched");
    if (c >= 'A' && c <= 'Z') return fail(at_, "upper case: canonical names are lower case");
    if (!is_name_char(c)) return fail(at_, "a character that no name has");
    ++at_;
    return literal(c);
  }

  static bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

  Part group(unsigned depth) {
    const std::size_t start = at_++;
    if (depth == kMaxDepth) return fail(start, "nested too deeply");
    if (more() && peek() == '?') {
      if (pattern_.substr(at_, 2) != "?:") return fail(start, "only plain groups and (?: … )");
      at_ += 2;
    }
    Part part = alternatives(depth + 1);
    if (!more() || peek() != ')') return fail(start, "a \"(\" that nothing closes");
    ++at_;
    return part;
  }

  Part escape() {
    const std::size_t start = at_++;
    if (!more()) return fail(start, "a \"\\\" at the end");
    const char c = peek();
    ++at_;
    if (c == '.' || c == '-' || c == '_') return literal(c);
    if (c == 'd' || c == 'w') return any(false);
    return fail(start, "only \\. \\- \\d and \\w");
  }

  Part char_class() {
    const std::size_t start = at_++;
    const bool negated = more() && peek() == '^';
    if (negated) ++at_;
    bool dot = false, closed = false, empty = true;
    while (more()) {
      const char c = peek();
      ++at_;
      if (c == ']') {
        closed = true;
        break;
      }
      if (c == '\\') {
        if (!more()) break;
        const char escaped = peek();
        ++at_;
        if (escaped != '.' && escaped != '-' && escaped != 'd' && escaped != 'w') {
          return fail(at_ - 2, "only \\. \\- \\d and \\w");
        }
        dot |= escaped == '.';
      } else if (c == '-' && !empty && more() && peek() != ']') {
        const char low = pattern_[at_ - 2];
        const char high = peek();
        ++at_;
        if (!std::isalnum(static_cast<unsigned char>(low)) || !std::isalnum(static_cast<unsigned char>(high))) {
          return fail(at_ - 2, "a range must go from letter to letter or digit to digit");
        }
      } else if (c != '.' && !is_name_char(c)) {
        return fail(at_ - 1, "a character that no name has");
      } else {
        dot |= c == '.';
      }
      empty = false;
    }
    if (!closed) return fail(start, "a \"[\" that nothing closes");
    if (empty) return fail(start, "an empty class");
    return any(negated ? !dot : dot);
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::unique_ptr<PatternProblem> problem_;
};

/// Empty where the ending is long enough. A leading dot means that all labels after it are known whole. Any top-level
/// label is a public suffix, so what is none has a dot, and something before it.
std::string judge(const Ending& ending) {
  const std::string known = ending.text.substr(ending.text.starts_with('.') ? 1 : 0);
  if (!known.empty() && !known.ends_with('.') && !is_public_suffix(known)) return {};
  return "must end in literal text: a public suffix, and at least part of one more label before it (ends in \"" +
         ending.text + "\")";
}

struct FreeCompileError {
  void operator()(hs_compile_error_t* e) const noexcept { hs_free_compile_error(e); }
};
struct FreeDatabase {
  void operator()(hs_database_t* db) const noexcept { hs_free_database(db); }
};

struct FreeScratch {
  void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
};

/// The first listed public suffix that the database matches; empty where there is none.
std::string matched_suffix(const hs_database_t* db) {
  hs_scratch_t* raw = nullptr;
  if (hs_alloc_scratch(db, &raw) != HS_SUCCESS) return "(no memory to ask)";
  const std::unique_ptr<hs_scratch_t, FreeScratch> scratch(raw);
  const auto stop = [](unsigned, unsigned long long, unsigned long long, unsigned, void*) { return 1; };
  for (const std::string& suffix : listed_public_suffixes()) {
    const auto size = static_cast<unsigned>(suffix.size());
    if (hs_scan(db, suffix.data(), size, 0, raw, stop, nullptr) == HS_SCAN_TERMINATED) return suffix;
  }
  return {};
}

/// Empty where Hyperscan compiles the pattern and it matches no public suffix.
std::string hyperscan_says(std::string_view pattern) {
  const std::string anchored = "^(?:" + std::string(pattern) + ")$";
  hs_database_t* raw = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const auto code = hs_compile(anchored.c_str(), HS_FLAG_SINGLEMATCH, HS_MODE_BLOCK, nullptr, &raw, &raw_error);
  const std::unique_ptr<hs_database_t, FreeDatabase> db(raw);
  const std::unique_ptr<hs_compile_error_t, FreeCompileError> error(raw_error);
  if (code != HS_SUCCESS) return error ? error->message : "cannot be compiled";
  const std::string suffix = matched_suffix(raw);
  return suffix.empty() ? "" : "matches " + suffix + ", a public suffix";
}

}  // namespace

Result<void, PatternProblem> check_pattern_text(std::string_view pattern) {
  if (pattern.empty() || pattern.size() > kMaxPatternBytes) {
    return std::unexpected(PatternProblem{0, "a pattern has 1 to 1024 bytes"});
  }
  const auto part = Parser(pattern).parse();
  if (!part.has_value()) return std::unexpected(part.error());
  for (const Ending& ending : part->endings) {
    if (std::string problem = judge(ending); !problem.empty())
      return std::unexpected(PatternProblem{0, std::move(problem)});
  }
  return {};
}

std::vector<std::string> pattern_endings(std::string_view pattern) {
  std::vector<std::string> out;
  const auto part = Parser(pattern).parse();
  if (!part.has_value()) return out;
  for (const Ending& ending : part->endings) out.push_back(ending.text);
  return out;
}

Result<void, PatternProblem> check_pattern(std::string_view pattern) {
  if (auto checked = check_pattern_text(pattern); !checked.has_value()) return checked;
  if (std::string problem = hyperscan_says(pattern); !problem.empty()) {
    return std::unexpected(PatternProblem{0, std::move(problem)});
  }
  return {};
}

}  // namespace sluice
