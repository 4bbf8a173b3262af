#include "rules/text/yaml_tree.h"

#include <unistr.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <set>
#include <sstream>

namespace sluice {
namespace {

std::uint32_t from_one(int zero_based) noexcept {
  return zero_based < 0 ? 0 : static_cast<std::uint32_t>(zero_based) + 1;
}

struct TooDeep {};

/// Builds the tree from the parser's events. Map keys and values arrive alternately.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::vector<TextError>& errors) : errors_(errors) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(node(YamlNode::Kind::Null, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(mark, "aliases are not allowed");
    add(node(YamlNode::Kind::Null, mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    YamlNode scalar = node(YamlNode::Kind::Scalar, mark);
    scalar.text = value;
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::Sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::Map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  YamlNode root;

 private:
  struct Open {
    YamlNode node;
    std::set<std::string> seen;
  };

  void fail(const YAML::Mark& mark, std::string what) {
    errors_.push_back({from_one(mark.line), from_one(mark.column), {}, std::move(what)});
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) fail(mark, "anchors are not allowed");
  }
  // "?" and "!" are what the parser itself gives plain and quoted scalars.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") fail(mark, "tags are not allowed");
  }
  static YamlNode node(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode out;
    out.kind = kind;
    out.line = from_one(mark.line);
    out.column = from_one(mark.column);
    return out;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (open_.size() == kMaxYamlDepth) {
      fail(mark, "nested too deeply");
      throw TooDeep{};
    }
    open_.push_back({node(kind, mark), {}});
  }
  void close() {
    YamlNode done = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(done));
  }
  void add(YamlNode done) {
    if (open_.empty()) {
      root = std::move(done);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::Map && parent.node.keys.size() == parent.node.items.size()) {
      add_key(parent, std::move(done));
    } else {
      if (done.kind == YamlNode::Kind::Null && !parent.node.keys.empty()) place_at_key(done, parent.node.keys.back());
      parent.node.items.push_back(std::move(done));
    }
  }
  // The parser says that a value which is not there stands at the token after it.
  static void place_at_key(YamlNode& missing, const YamlNode& key) {
    missing.line = key.line;
    missing.column = key.column;
  }
  void add_key(Open& parent, YamlNode key) {
    if (key.kind != YamlNode::Kind::Scalar) {
      errors_.push_back({key.line, key.column, {}, "a key must be plain text"});
    } else if (!parent.seen.insert(key.text).second) {
      errors_.push_back({key.line, key.column, {}, "duplicate key \"" + key.text + "\""});
    }
    parent.node.keys.push_back(std::move(key));
  }

  std::vector<TextError>& errors_;
  std::vector<Open> open_;
};

/// Place of byte `at`.
TextError error_at(std::string_view text, std::size_t at, std::string what) {
  TextError error{1, 1, {}, std::move(what)};
  for (const char c : text.substr(0, at)) {
    if (c == '\n') {
      ++error.line;
      error.column = 1;
    } else {
      ++error.column;
    }
  }
  return error;
}

/// yaml-cpp guesses encodings and replaces what it cannot read: only plain UTF-8 text gets there.
bool is_plain_text(std::string_view text, std::vector<TextError>& errors) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(text.data());
  if (const auto* bad = u8_check(begin, text.size()); bad != nullptr) {
    errors.push_back(error_at(text, static_cast<std::size_t>(bad - begin), "not UTF-8"));
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
      errors.push_back(error_at(text, i, "control character"));
      return false;
    }
  }
  return true;
}

/// The place of a "%" that begins a line before the document: a directive.
bool has_directive(std::string_view text, std::vector<TextError>& errors) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '%') {
      errors.push_back(error_at(text, at, "directives are not allowed"));
      return true;
    }
    if (text[at] != '#' && text[at] != '\n' && text[at] != '\r') return false;
    const std::size_t newline = text.find('\n', at);
    if (newline == std::string_view::npos) return false;
    at = newline + 1;
  }
  return false;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const noexcept {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

YamlNode read_yaml(std::string_view text, std::vector<TextError>& errors) {
  if (text.size() > kMaxYamlBytes) {
    errors.push_back({0, 0, {}, "over 16 MiB"});
    return {};
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!is_plain_text(text, errors) || has_directive(text, errors)) return {};
  TreeBuilder builder(errors);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) {
      errors.push_back({1, 1, {}, "empty file"});
    } else {
      std::vector<TextError> ignored;
      TreeBuilder second(ignored);
      if (parser.HandleNextDocument(second)) {
        errors.push_back({second.root.line, second.root.column, {}, "several documents in one file"});
      }
    }
  } catch (const YAML::Exception& e) {
    errors.push_back({from_one(e.mark.line), from_one(e.mark.column), {}, e.msg});
  } catch (const TooDeep&) {
    return {};
  }
  return std::move(builder.root);
}

}  // namespace sluice
