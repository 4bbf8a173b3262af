#include "rules/text/bundle_jsonl.h"

#include <set>
#include <utility>

#include "rules/text/json_fields.h"
#include "rules/text/order_json.h"

namespace sluice {
struct BundleReader::State {
  BundleCallbacks callbacks;
  BundleLimits limits;
  JsonDocument json;
  SnapshotHeader header;
  std::string line;  ///< the part of a line that came so far
  std::uint32_t line_number = 0;
  std::uint64_t bytes = 0, orders = 0, targets = 0;
  std::uint64_t targets_of_order = 0;
  std::uint32_t order_line = 0;
  std::set<std::string, std::less<>> ids;
  std::optional<BundleError> error;

  void fail(BundleErrorKind kind, TextError where) {
    if (!error) error = BundleError{kind, std::move(where)};
  }
  void fail(BundleErrorKind kind, std::uint32_t at_line, std::string what) {
    fail(kind, TextError{at_line, 1, {}, std::move(what)});
  }

  void read_line(std::string_view text) {
    ++line_number;
    if (text.empty()) return fail(BundleErrorKind::Malformed, line_number, "empty line");
    if (const std::size_t cr = text.find('\r'); cr != std::string_view::npos) {
      return fail(
          BundleErrorKind::Malformed,
          TextError{line_number, static_cast<std::uint32_t>(cr + 1), {}, "carriage return: lines end with \\n"});
    }
    if (line_number == 1) {
      read_header(text);
    } else if (text.starts_with("{\"order\"")) {
      read_order(text);
    } else {
      read_target(text);
    }
  }

  void read_header(std::string_view text) {
    BundleHeader read;
    read_header_line(json, text, read);
    if (!json.ok()) return fail(BundleErrorKind::Malformed, json.error());
    if (read.delta) return fail(BundleErrorKind::Malformed, 1, "a delta, not a snapshot");
    header = std::move(read.snapshot);
    if (header.orders > limits.orders || header.targets > limits.targets) {
      return fail(BundleErrorKind::TooLarge, 1, "more orders or targets than the configured limit");
    }
    if (callbacks.header) callbacks.header(header);
  }

  void read_order(std::string_view text) {
    end_order();
    if (error) return;
    if (++orders > header.orders) return fail(BundleErrorKind::Counts, line_number, "more orders than the header says");
    Order order;
    read_order_line(json, text, line_number, order);
    if (!json.ok()) return fail(BundleErrorKind::Malformed, json.error());
    if (!ids.insert(order.id).second) {
      return fail(BundleErrorKind::Malformed, line_number, "order " + order.id + " stands twice");
    }
    order_line = line_number;
    targets_of_order = 0;
    if (callbacks.order) callbacks.order(std::move(order));
  }

  void read_target(std::string_view text) {
    std::optional<Target> target;
    read_target_line(json, text, line_number, target);
    if (!json.ok()) return fail(BundleErrorKind::Malformed, json.error());
    if (orders == 0) return fail(BundleErrorKind::Malformed, line_number, "a target before the first order");
    if (++targets > header.targets)
      return fail(BundleErrorKind::Counts, line_number, "more targets than the header says");
    ++targets_of_order;
    if (callbacks.target) callbacks.target(std::move(*target));
  }

  void end_order() {
    if (orders > 0 && targets_of_order == 0) fail(BundleErrorKind::Malformed, order_line, "an order without targets");
  }

  void add(std::string_view chunk) {
    bytes += chunk.size();
    if (bytes > limits.bytes)
      return fail(BundleErrorKind::TooLarge, line_number + 1, "more bytes than the configured limit");
    while (!chunk.empty() && !error) {
      const std::size_t newline = chunk.find('\n');
      const std::string_view piece = chunk.substr(0, newline);
      if (line.size() + piece.size() > kMaxBundleLineBytes) {
        return fail(BundleErrorKind::TooLarge, line_number + 1, "a line over 64 KiB");
      }
      if (newline == std::string_view::npos) {
        line += piece;
        return;
      }
      if (line.empty()) {
        read_line(piece);
      } else {
        line += piece;
        read_line(line);
        line.clear();
      }
      chunk.remove_prefix(newline + 1);
    }
  }

  void finish() {
    if (!line.empty())
      return fail(BundleErrorKind::Malformed, line_number + 1, "the last line has no end: file cut short");
    if (line_number == 0) return fail(BundleErrorKind::Malformed, 1, "empty file");
    end_order();
    if (orders != header.orders || targets != header.targets) {
      fail(BundleErrorKind::Counts, 1,
           "the header says " + std::to_string(header.orders) + " orders and " + std::to_string(header.targets) +
               " targets, the file has " + std::to_string(orders) + " and " + std::to_string(targets));
    }
  }

  Result<void, BundleError> result() const {
    if (error) return std::unexpected(*error);
    return {};
  }
};

BundleReader::BundleReader(BundleCallbacks callbacks, const BundleLimits& limits) : state_(std::make_unique<State>()) {
  state_->callbacks = std::move(callbacks);
  state_->limits = limits;
}
BundleReader::~BundleReader() = default;
BundleReader::BundleReader(BundleReader&&) noexcept = default;
BundleReader& BundleReader::operator=(BundleReader&&) noexcept = default;

Result<void, BundleError> BundleReader::add(Bytes chunk) {
  if (!state_->error) state_->add({reinterpret_cast<const char*>(chunk.data()), chunk.size()});
  return state_->result();
}

Result<void, BundleError> BundleReader::finish() {
  if (!state_->error) state_->finish();
  return state_->result();
}

Result<Snapshot, BundleError> read_snapshot(std::string_view text, const BundleLimits& limits) {
  Snapshot snapshot;
  BundleCallbacks callbacks;
  callbacks.header = [&](const SnapshotHeader& header) { snapshot.header = header; };
  callbacks.order = [&](Order&& order) { snapshot.orders.push_back({std::move(order), {}}); };
  callbacks.target = [&](Target&& target) { snapshot.orders.back().targets.push_back(std::move(target)); };
  BundleReader reader(std::move(callbacks), limits);
  auto done = reader.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  if (done.has_value()) done = reader.finish();
  if (!done.has_value()) return std::unexpected(done.error());
  return snapshot;
}

}  // namespace sluice
