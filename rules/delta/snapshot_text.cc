#include "rules/delta/snapshot_text.h"

#include <algorithm>
#include <functional>

#include "rules/model/order_check.h"

namespace sluice {
namespace {

constexpr std::string_view kOrderBegin = "{\"order\":\"";

std::unexpected<TextError> fail(std::uint32_t line, std::string what) {
  return std::unexpected(TextError{line, 1, {}, std::move(what)});
}

/// The id of an order line; empty where there is none.
std::string_view id_of(std::string_view line) noexcept {
  line.remove_prefix(kOrderBegin.size());
  const std::string_view id = line.substr(0, line.find('"'));
  return id.size() < line.size() && is_order_id(id) ? id : std::string_view();
}

}  // namespace

Result<SnapshotText, TextError> SnapshotText::read(std::string_view text) {
  SnapshotText out;
  std::uint32_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return fail(number, "the last line has no end: file cut short");
    const std::string_view line = text.substr(0, end);
    if (number == 1) {
      out.header_ = line;
    } else if (line.starts_with(kOrderBegin)) {
      if (!out.orders_.empty() && out.orders_.back().targets.empty())
        return fail(number - 1, "an order without targets");
      const std::string_view id = id_of(line);
      if (id.empty()) return fail(number, "no order id");
      out.orders_.push_back({id, line, {}, text.substr(0, end + 1)});
    } else {
      if (out.orders_.empty()) return fail(number, "a target before the first order");
      OrderText& order = out.orders_.back();
      order.targets.push_back(line);
      order.whole = {order.whole.data(), order.whole.size() + end + 1};
    }
    text.remove_prefix(end + 1);
  }
  if (number == 0) return fail(1, "empty file");
  if (!out.orders_.empty() && out.orders_.back().targets.empty()) return fail(number, "an order without targets");

  // What sluicectl writes stands in order already; from any other author it is brought there.
  for (OrderText& order : out.orders_) {
    if (std::ranges::is_sorted(order.targets, std::ranges::less_equal())) continue;
    out.canonical_ = false;
    std::ranges::sort(order.targets);
    const auto twice = std::ranges::unique(order.targets);
    order.targets.erase(twice.begin(), twice.end());
  }
  if (!std::ranges::is_sorted(out.orders_, {}, &OrderText::id)) {
    out.canonical_ = false;
    std::ranges::sort(out.orders_, {}, &OrderText::id);
  }
  const auto twice = std::ranges::adjacent_find(out.orders_, {}, &OrderText::id);
  if (twice != out.orders_.end()) return fail(0, "order " + std::string(twice->id) + " stands twice");
  return out;
}

}  // namespace sluice
