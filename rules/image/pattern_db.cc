#include "rules/image/pattern_db.h"

#include <hs_compile.h>
#include <hs_runtime.h>

#include <cstdlib>
#include <memory>

namespace sluice {
namespace {

// Once per scan is enough to know that it matched; an expression may match the empty string, a name is never empty.
constexpr unsigned kFlags = HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY;

struct FreeCompileError {
  void operator()(hs_compile_error_t* error) const { hs_free_compile_error(error); }
};
using CompileError = std::unique_ptr<hs_compile_error_t, FreeCompileError>;
struct FreeDatabase {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
using Database = std::unique_ptr<hs_database_t, FreeDatabase>;
struct Free {
  void operator()(char* bytes) const { std::free(bytes); }
};

/// Hyperscan's reason against one expression, or nothing.
std::string refusal(const std::string& expression) {
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t code = hs_expression_info(expression.c_str(), kFlags, &info, &error);
  const CompileError owned(error);
  std::free(info);
  return code == HS_SUCCESS ? std::string() : std::string(owned ? owned->message : "not compilable");
}

std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '.' || c == '-') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string anchored_expression(const PatternSource& source) {
  switch (source.kind) {
    case PatternKind::Pattern: return "^(?:" + std::string(source.text) + ")$";
    case PatternKind::Exact: return "^" + escaped(source.text) + "$";
    case PatternKind::Subtree: return "(?:^|\\.)" + escaped(source.text) + "$";
  }
  return {};
}

std::string why_not_compilable(const std::string& pattern) {
  if (pattern.find('\0') != std::string::npos) return "a NUL byte";
  // Alone first: what is only well formed between our brackets, such as "a)|(?:b", would escape the anchors.
  std::string reason = refusal(pattern);
  return reason.empty() ? refusal(anchored_expression({pattern, PatternKind::Pattern})) : reason;
}

Result<std::vector<std::uint8_t>, PatternError> compile_patterns(const std::vector<PatternSource>& sources) {
  std::vector<std::string> expressions;
  std::vector<const char*> texts;
  std::vector<unsigned> flags(sources.size(), kFlags), ids;
  expressions.reserve(sources.size());
  for (const PatternSource& source : sources) {
    if (source.kind == PatternKind::Pattern) {
      if (std::string reason = why_not_compilable(std::string(source.text)); !reason.empty()) {
        return std::unexpected(PatternError{ids.size(), false, std::move(reason)});
      }
    }
    expressions.push_back(anchored_expression(source));
    texts.push_back(expressions.back().c_str());
    ids.push_back(static_cast<unsigned>(ids.size()));
  }

  hs_database_t* raw = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t code = hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()),
                                           HS_MODE_BLOCK, nullptr, &raw, &error);
  const Database database(raw);
  const CompileError owned(error);
  if (code != HS_SUCCESS) {
    const bool blames_one = owned && owned->expression >= 0;
    return std::unexpected(PatternError{blames_one ? static_cast<std::size_t>(owned->expression) : 0, !blames_one,
                                        owned ? owned->message : "hs_compile_multi failed"});
  }

  char* bytes = nullptr;
  std::size_t length = 0;
  if (hs_serialize_database(database.get(), &bytes, &length) != HS_SUCCESS) {
    return std::unexpected(PatternError{0, true, "hs_serialize_database failed"});
  }
  const std::unique_ptr<char, Free> serialised(bytes);
  return std::vector<std::uint8_t>(bytes, bytes + length);
}

}  // namespace sluice
