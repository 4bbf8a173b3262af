#include <optional>

#include "rules/delta/delta.h"
#include "rules/model/order_check.h"
#include "rules/text/order_json.h"

namespace sluice {
namespace {

using Kind = OrderChange::Kind;

constexpr std::string_view kAdd = "{\"add\":", kChange = "{\"change\":", kGone = "{\"gone\":";
constexpr std::string_view kRevoke = "{\"revoke\":\"";

void append_wrapped(std::string& out, std::string_view before, std::string_view line) {
  ((out += before) += line) += "}\n";
}

/// What stands between `before` and the closing brace; nothing where the line is not of that kind.
std::optional<std::string_view> unwrap(std::string_view line, std::string_view before) {
  if (!line.starts_with(before) || !line.ends_with('}')) return std::nullopt;
  return line.substr(before.size(), line.size() - before.size() - 1);
}

class DeltaReader {
 public:
  explicit DeltaReader(const BundleLimits& limits) : limits_(limits) {}

  Result<Delta, BundleError> read(std::string_view text) {
    if (text.size() > limits_.bytes) return fail(BundleErrorKind::TooLarge, "more bytes than the configured limit");
    while (!text.empty() && !error_) {
      ++number_;
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) return fail(BundleErrorKind::Malformed, "the last line has no end");
      if (end > kMaxBundleLineBytes) return fail(BundleErrorKind::TooLarge, "a line over 64 KiB");
      read_line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    if (number_ == 0) return fail(BundleErrorKind::Malformed, "empty file");
    end_change();
    if (error_) return std::unexpected(*error_);
    return std::move(out_);
  }

 private:
  std::unexpected<BundleError> fail(BundleErrorKind kind, std::string what) {
    if (!error_) error_ = BundleError{kind, TextError{number_, 1, {}, std::move(what)}};
    return std::unexpected(*error_);
  }
  void malformed(std::string what) { (void)fail(BundleErrorKind::Malformed, std::move(what)); }

  /// Takes over the error of the JSON reader, whose text began `shift` bytes into the line.
  bool good(std::size_t shift) {
    if (json_.ok()) return true;
    TextError where = json_.error();
    where.column += static_cast<std::uint32_t>(shift);
    error_ = BundleError{BundleErrorKind::Malformed, std::move(where)};
    return false;
  }

  void read_line(std::string_view line) {
    if (number_ == 1) return read_header(line);
    if (const auto added = unwrap(line, kAdd)) return read_order(Kind::Added, *added, kAdd.size());
    if (const auto changed = unwrap(line, kChange)) return read_order(Kind::Changed, *changed, kChange.size());
    if (line.starts_with(kRevoke)) return read_revocation(line);
    if (const auto gone = unwrap(line, kGone)) return read_target(*gone, kGone.size(), true);
    read_target(line, 0, false);
  }

  void read_header(std::string_view line) {
    read_header_line(json_, line, out_.header);
    if (!good(0)) return;
    const SnapshotHeader& result = out_.header.snapshot;
    if (!out_.header.delta) return malformed("a snapshot, not a delta");
    if (result.orders > limits_.orders || result.targets > limits_.targets) {
      (void)fail(BundleErrorKind::TooLarge, "more orders or targets than the configured limit");
    }
  }

  void begin_change(OrderChange change) {
    end_change();
    if (error_) return;
    if (!out_.changes.empty() && change.id <= out_.changes.back().id)
      return malformed("orders are not ascending by id");
    if (out_.changes.size() / 2 == limits_.orders) {
      (void)fail(BundleErrorKind::TooLarge, "more orders than the configured limit");
      return;
    }
    out_.changes.push_back(std::move(change));
    last_target_ = {};
  }
  void end_change() {
    if (out_.changes.empty()) return;
    const OrderChange& change = out_.changes.back();
    if (change.kind == Kind::Added && change.added.empty()) malformed("an order without targets before this line");
  }

  void read_order(Kind kind, std::string_view line, std::size_t shift) {
    Order order;
    read_order_line(json_, line, number_, order);
    if (!good(shift)) return;
    // The id as the line spells it: apply and diff look for it there.
    constexpr std::string_view kBegin = "{\"order\":\"";
    if (!line.starts_with(kBegin) || !line.substr(kBegin.size()).starts_with(order.id + "\"")) {
      return malformed("an order line begins with its id");
    }
    begin_change({kind, line.substr(kBegin.size(), order.id.size()), line, {}, {}, false});
  }

  void read_revocation(std::string_view line) {
    const auto id = unwrap(line, kRevoke);
    if (!id || id->size() < 2 || !id->ends_with('"') || !is_order_id(id->substr(0, id->size() - 1))) {
      return malformed("want {\"revoke\":\"ID\"}");
    }
    begin_change({Kind::Revoked, id->substr(0, id->size() - 1), {}, {}, {}, false});
  }

  void read_target(std::string_view line, std::size_t shift, bool gone) {
    std::optional<Target> target;
    read_target_line(json_, line, number_, target);
    if (!good(shift)) return;
    if (out_.changes.empty()) return malformed("a target before the first order");
    OrderChange& change = out_.changes.back();
    if (change.kind == Kind::Revoked || (gone && change.kind == Kind::Added)) {
      return malformed("a target that this order cannot have");
    }
    if (line <= last_target_) return malformed("targets are not ascending");
    last_target_ = line;
    if (++targets_ / 2 > limits_.targets) {
      (void)fail(BundleErrorKind::TooLarge, "more targets than the configured limit");
      return;
    }
    (gone ? change.removed : change.added).push_back(line);
  }

  BundleLimits limits_;
  JsonDocument json_;
  Delta out_;
  std::uint32_t number_ = 0;
  std::uint64_t targets_ = 0;  ///< added and removed: all of one snapshot may go and all of another come
  std::string_view last_target_;
  std::optional<BundleError> error_;
};

}  // namespace

std::string write_delta(const BundleHeader& header, std::span<const OrderChange> changes) {
  std::string out;
  append_header_line(out, header);
  for (const OrderChange& change : changes) {
    if (change.kind == Kind::Revoked) {
      ((out += kRevoke) += change.id) += "\"}\n";
      continue;
    }
    append_wrapped(out, change.kind == Kind::Added ? kAdd : kChange, change.line);
    auto gone = change.removed.begin();
    for (const std::string_view target : change.added) {
      for (; gone != change.removed.end() && *gone < target; ++gone) append_wrapped(out, kGone, *gone);
      (out += target) += '\n';
    }
    for (; gone != change.removed.end(); ++gone) append_wrapped(out, kGone, *gone);
  }
  return out;
}

Result<Delta, BundleError> read_delta(std::string_view text, const BundleLimits& limits) {
  return DeltaReader(limits).read(text);
}

}  // namespace sluice
