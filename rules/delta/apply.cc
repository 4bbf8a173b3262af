#include <algorithm>

#include "rules/delta/delta.h"

namespace sluice {
namespace {

using Kind = OrderChange::Kind;

/// The text that results, as it grows. `problem` keeps the first thing that does not fit.
struct Growing {
  std::string text;
  std::uint64_t orders = 0, targets = 0;
  std::string problem;

  void fail(std::string_view id, std::string_view what) {
    if (problem.empty()) problem = "order " + std::string(id) + " " + std::string(what);
  }

  void keep(const OrderText& order) {
    text += order.whole;
    ++orders;
    targets += order.targets.size();
  }
  void begin(std::string_view order_line) {
    (text += order_line) += '\n';
    ++orders;
  }
  void target(std::string_view line) {
    (text += line) += '\n';
    ++targets;
  }

  void add(const OrderChange& change) {
    begin(change.line);
    for (const std::string_view line : change.added) target(line);
  }

  void change(const OrderText& old, const OrderChange& change) {
    if (change.added.empty() && change.removed.empty() && change.line == old.line) {
      return fail(change.id, "is not changed by its change");
    }
    begin(change.line);
    const std::uint64_t before = targets;
    auto plus = change.added.begin();
    auto minus = change.removed.begin();
    for (const std::string_view line : old.targets) {
      for (; plus != change.added.end() && *plus < line; ++plus) target(*plus);
      if (plus != change.added.end() && *plus == line) return fail(change.id, "already has " + std::string(line));
      if (minus != change.removed.end() && *minus < line) break;  // it was not there: told below
      if (minus != change.removed.end() && *minus == line) {
        ++minus;
      } else {
        target(line);
      }
    }
    if (minus != change.removed.end()) return fail(change.id, "does not have " + std::string(*minus));
    for (; plus != change.added.end(); ++plus) target(*plus);
    if (targets == before) fail(change.id, "is left without targets");
  }
};

std::size_t size_bound(const SnapshotText& base, const Delta& delta) {
  std::size_t bytes = 4096;
  for (const OrderText& order : base.orders()) bytes += order.whole.size();
  for (const OrderChange& change : delta.changes) {
    bytes += change.line.size() + 1;
    for (const std::string_view line : change.added) bytes += line.size() + 1;
  }
  return bytes;
}

}  // namespace

Result<std::string, std::string> apply_delta(const SnapshotText& base, const Delta& delta) {
  if (!base.canonical())
    return std::unexpected(std::string("the base is not in canonical form: a snapshot must follow"));
  Growing out;
  out.text.reserve(size_bound(base, delta));
  append_header_line(out.text, delta.header.snapshot);
  auto old = base.orders().begin();
  const auto end = base.orders().end();
  for (const OrderChange& change : delta.changes) {
    for (; old != end && old->id < change.id; ++old) out.keep(*old);
    const bool there = old != end && old->id == change.id;
    if (there == (change.kind == Kind::Added)) {
      out.fail(change.id, there ? "is there already" : "is not there");
    } else if (change.kind == Kind::Added) {
      out.add(change);
    } else {
      if (change.kind == Kind::Changed) out.change(*old, change);
      ++old;
    }
    if (!out.problem.empty()) return std::unexpected(std::move(out.problem));
  }
  for (; old != end; ++old) out.keep(*old);
  const SnapshotHeader& says = delta.header.snapshot;
  if (out.orders != says.orders || out.targets != says.targets) {
    return std::unexpected("the header says " + std::to_string(says.orders) + " orders and " +
                           std::to_string(says.targets) + " targets, " + std::to_string(out.orders) + " and " +
                           std::to_string(out.targets) + " result");
  }
  return std::move(out.text);
}

}  // namespace sluice
