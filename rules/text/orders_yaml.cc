#include "rules/text/orders_yaml.h"

#include <sodium.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "rules/model/order_check.h"
#include "rules/text/order_yaml.h"
#include "rules/text/pattern.h"
#include "rules/text/public_suffix.h"
#include "rules/text/small_file.h"
#include "rules/text/target_text.h"

namespace sluice {
namespace {

using Kind = YamlNode::Kind;

std::string sha256_hex(std::string_view bytes) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  char hex[sizeof hash * 2 + 1];
  return sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
}

bool stays_below(const std::string& path) {
  const std::filesystem::path p(path);
  return !p.is_absolute() && std::ranges::none_of(p, [](const auto& part) { return part == ".."; });
}

class FileReader {
 public:
  FileReader(std::string file, const ReadNamesFile& read_names) : file_(std::move(file)), read_names_(read_names) {
    out_.files.push_back(file_);
  }

  Result<OrdersFile, std::vector<FileError>> read(std::string_view text) {
    const YamlNode root = read_yaml(text, errors_);
    if (listed_public_suffixes().empty()) {
      errors_.push_back({0, 0, "G1", "the public suffix list cannot be read: install the package publicsuffix"});
    }
    if (errors_.empty()) read_root(root);
    for (TextError& error : errors_) found_.push_back({file_, std::move(error)});
    if (found_.empty()) return std::move(out_);
    std::ranges::stable_sort(found_, [](const FileError& a, const FileError& b) {
      return std::tie(a.file, a.error.line, a.error.column) < std::tie(b.file, b.error.line, b.error.column);
    });
    return std::unexpected(std::move(found_));
  }

 private:
  struct Defaults {
    Order order;
    std::set<std::string, std::less<>> faulty, given;
  };

  void read_root(const YamlNode& root) {
    yaml_.map(root, [&](std::string_view key, const YamlNode& value) {
      if (key == "schema" && value.text != "sluice/orders/1") yaml_.fail(value, "schema must be sluice/orders/1");
      if (key == "feed" && yaml_.text(value, out_.feed) && !is_feed_name(out_.feed))
        yaml_.fail(value, "not a feed name");
      return key == "schema" || key == "feed" || key == "defaults" || key == "orders";
    });
    if (root.kind != Kind::Map) return;
    for (const char* key : {"schema", "feed", "orders"}) {
      if (root.find(key) == nullptr) yaml_.fail(root, "missing field \"" + std::string(key) + "\"");
    }
    if (const YamlNode* defaults = root.find("defaults")) read_defaults(*defaults);
    if (const YamlNode* orders = root.find("orders")) {
      yaml_.sequence(*orders, [&](const YamlNode& node) { read_order(node); });
      if (orders->kind == Kind::Sequence && orders->items.empty()) yaml_.fail(*orders, "at least one order");
    }
  }

  void read_defaults(const YamlNode& node) {
    OrderFields fields(errors_, defaults_.order);
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key == "id" || key == "number" || key == "renews" || key == "targets") {
        yaml_.fail(value, "\"" + std::string(key) + "\" is each order's own: not for defaults");
        return true;
      }
      defaults_.given.insert(std::string(key));
      return fields.read(key, value);
    });
    defaults_.faulty = std::move(fields.faulty);
  }

  void read_order(const YamlNode& node) {
    OrderWithTargets order{defaults_.order, {}};
    place_ = {node.line, node.column, {}};
    OrderFields fields(errors_, order.order);
    fields.faulty = defaults_.faulty;
    const YamlNode* targets = nullptr;
    yaml_.map(node, [&](std::string_view key, const YamlNode& value) {
      if (key == "targets") return targets = &value, true;
      return fields.read(key, value);
    });
    if (node.kind != Kind::Map) return;
    if (targets == nullptr) {
      yaml_.fail(node, "targets: required", "G8");
    } else {
      read_targets(*targets, order);
    }
    if (node.find("action") == nullptr && !defaults_.given.contains("action")) {
      yaml_.fail(node, "action: required", "G8");
    }
    check(node, order.order, fields.faulty);
    if (!order.order.id.empty() && !ids_.insert(order.order.id).second) {
      yaml_.fail(*node.find("id"), "order " + order.order.id + " stands twice");
    }
    out_.orders.push_back(std::move(order));
    out_.places.push_back(std::move(place_));
  }

  /// What check_order() says, at the field it is about; fields that are already reported are left alone.
  void check(const YamlNode& node, const Order& order, const std::set<std::string, std::less<>>& faulty) {
    for (const OrderProblem& problem : check_order(order)) {
      const std::string_view field = problem.field == "law" ? "basis" : problem.field;
      if (faulty.contains(field)) continue;
      const YamlNode* at = node.find(field);
      yaml_.fail(at != nullptr ? *at : node, std::string(problem.field) + ": " + problem.what, "G8");
    }
  }

  void read_targets(const YamlNode& node, OrderWithTargets& order) {
    seen_.clear();
    yaml_.sequence(node, [&](const YamlNode& item) { read_target(item, order); });
    if (node.kind == Kind::Sequence && node.items.empty()) yaml_.fail(node, "targets: required", "G8");
  }

  void read_target(const YamlNode& node, OrderWithTargets& order) {
    yaml_.map(node, [](std::string_view key, const YamlNode&) {
      return key == "name" || key == "pattern" || key == "names_file" || key == "scope";
    });
    if (node.kind != Kind::Map) return;
    const YamlNode* name = node.find("name");
    const YamlNode* pattern = node.find("pattern");
    const YamlNode* names_file = node.find("names_file");
    const YamlNode* scope = node.find("scope");
    if ((name != nullptr) + (pattern != nullptr) + (names_file != nullptr) != 1) {
      return yaml_.fail(node, "a target is one of name, pattern, names_file");
    }
    if (pattern != nullptr) {
      if (scope != nullptr) yaml_.fail(*scope, "a pattern has no scope");
      return add_pattern(*pattern, order);
    }
    if (scope == nullptr) return yaml_.fail(node, "scope: required (exact or subtree)", "G8");
    if (scope->text != "exact" && scope->text != "subtree") return yaml_.fail(*scope, "expected exact or subtree");
    const Scope width = scope->text == "exact" ? Scope::Exact : Scope::Subtree;
    if (names_file != nullptr) return add_names_file(*names_file, width, order);
    if (name->kind != Kind::Scalar) return yaml_.fail(*name, "expected text");
    add_name(file_, {name->line, name->column, {}, {}}, name->text, width, order);
  }

  void add_pattern(const YamlNode& node, OrderWithTargets& order) {
    std::string text;
    if (!yaml_.text(node, text)) return;
    if (const auto checked = check_pattern(text); !checked.has_value()) {
      const std::string at =
          checked.error().offset == 0 ? "" : " (at character " + std::to_string(checked.error().offset + 1) + ")";
      return yaml_.fail(node, checked.error().what + at, "PATTERN");
    }
    add({file_, {node.line, node.column, {}, {}}}, "pattern " + text, PatternTarget{text}, order);
  }

  void add_name(const std::string& file, TextError at, const std::string& text, Scope scope, OrderWithTargets& order) {
    const auto name = read_name_target(text, order.order.action == OrderAction::Block);
    if (!name.has_value()) {
      at.code = name.error().code;
      at.what = name.error().what;
      if (at.code == "E_SCOPE") at.subject = text;
      found_.push_back({file, std::move(at)});
      return;
    }
    if (mixes_scripts(text)) {
      at.what = name->text() + " mixes scripts in one label";
      out_.warnings.push_back({file, at});
    }
    add({file, std::move(at)}, (scope == Scope::Exact ? "exact " : "subtree ") + name->text(), NameTarget{*name, scope},
        order);
  }

  void add(FileError at, const std::string& key, Target target, OrderWithTargets& order) {
    if (!seen_.insert(key).second) {
      at.error.what = key + " stands twice in this order";
      out_.warnings.push_back(std::move(at));
      return;
    }
    if (out_.files.back() != at.file) out_.files.push_back(at.file);
    place_.targets.push_back({static_cast<std::uint32_t>(out_.files.size() - 1), at.error.line, at.error.column});
    order.targets.push_back(std::move(target));
  }

  void add_names_file(const YamlNode& node, Scope scope, OrderWithTargets& order) {
    std::string path;
    if (!yaml_.text(node, path)) return;
    if (!stays_below(path)) return yaml_.fail(node, "a names file lies in the folder of the order file");
    const auto text = read_names_(path);
    if (!text.has_value()) return yaml_.fail(node, path + ": " + text.error());
    out_.names_files.push_back({path, sha256_hex(*text)});
    const std::string folder = file_.substr(0, file_.rfind('/') + 1);
    const std::size_t before = order.targets.size(), errors_before = found_.size();
    std::uint32_t number = 0;
    for (std::string_view rest = *text; !rest.empty();) {
      const std::size_t newline = rest.find('\n');
      add_line(folder + path, ++number, rest.substr(0, newline), scope, order);
      rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
    }
    if (order.targets.size() == before && found_.size() == errors_before) yaml_.fail(node, path + " names nothing new");
  }

  void add_line(const std::string& file, std::uint32_t number, std::string_view line, Scope scope,
                OrderWithTargets& order) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') return;
    const std::size_t last = line.find_last_not_of(" \t\r");
    add_name(file, {number, static_cast<std::uint32_t>(first + 1), {}, {}},
             std::string(line.substr(first, last - first + 1)), scope, order);
  }

  std::string file_;
  const ReadNamesFile& read_names_;
  std::vector<TextError> errors_;
  std::vector<FileError> found_;
  YamlFields yaml_{errors_};
  Defaults defaults_;
  std::set<std::string> ids_;
  std::set<std::string> seen_;  ///< targets of the order being read
  OrderPlace place_;            ///< of that order
  OrdersFile out_;
};

}  // namespace

Result<OrdersFile, std::vector<FileError>> read_orders(std::string_view text, const std::string& file,
                                                       const ReadNamesFile& read_names) {
  return FileReader(file, read_names).read(text);
}

Result<OrdersFile, std::vector<FileError>> read_orders_file(const std::string& path) {
  namespace fs = std::filesystem;
  const auto text = read_regular_file(path, kMaxYamlBytes);
  if (!text.has_value()) return std::unexpected(std::vector<FileError>{{path, {0, 0, {}, text.error()}}});
  const fs::path folder = fs::path(path).parent_path();
  const ReadNamesFile beside = [&](const std::string& name) -> Result<std::string, std::string> {
    std::error_code failed;
    const fs::path home = fs::canonical(folder.empty() ? fs::path(".") : folder, failed);
    const fs::path real = failed ? fs::path() : fs::canonical(home / name, failed);
    if (failed) return std::unexpected(failed.message());
    if (std::ranges::mismatch(home, real).in1 != home.end())
      return std::unexpected("a link out of the order file's folder");
    return read_regular_file(real.string(), kMaxNamesFileBytes);
  };
  return read_orders(*text, path, beside);
}

}  // namespace sluice
