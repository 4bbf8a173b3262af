#include "control/ledger/bundle_orders.h"

#include <sodium.h>

#include <optional>
#include <string_view>
#include <utility>

#include "rules/sign/digest.h"
#include "rules/text/rfc3339.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

/// A target line is an object whose first key is n, s or p (bundle format of docs/interfaces.md).
bool is_target(std::string_view line) {
  const std::size_t key = line.find('"');
  return key != std::string_view::npos && line.size() > key + 2 && line[key + 2] == '"' &&
         std::string_view("nsp").find(line[key + 1]) != std::string_view::npos;
}

class Walker {
 public:
  explicit Walker(const std::function<void(BundleOrder&&)>& take) : take_(take) {}

  bool add(Bytes bytes) {
    std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (error_.empty() && !rest.empty()) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) {
        partial_ += rest;
        break;
      }
      if (partial_.empty()) {
        line(rest.substr(0, end + 1));
      } else {
        partial_ += rest.substr(0, end + 1);
        line(partial_);
        partial_.clear();
      }
      rest.remove_prefix(end + 1);
    }
    return error_.empty();
  }

  Result<void, std::string> finish() {
    close_order();
    if (error_.empty()) return {};
    return std::unexpected(error_);
  }

 private:
  void line(std::string_view text) {
    const std::uint64_t at = offset_;
    offset_ += text.size();
    if (std::exchange(header_, false)) return;
    if (order_ && is_target(text)) {
      ++order_->targets;
      order_->length += text.size();
      crypto_hash_sha256_update(&hash_, reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
      return;
    }
    close_order();
    open_order(text, at + text.size());
  }

  void open_order(std::string_view text, std::uint64_t targets_at) {
    auto json = read_json(text);
    if (!json) {
      error_ = json.error();
      return;
    }
    BundleOrder& order = order_.emplace();
    order.id = json->text("order");
    order.offset = targets_at;
    if (json->text("publication") == "lookup") order.publication = PublicationKind::Lookup;
    if (const JsonValue* publication = json->find("publication");
        publication != nullptr && publication->find("delayed_until") != nullptr) {
      order.publication = PublicationKind::Delayed;
      order.delayed_until = parse_rfc3339(publication->text("delayed_until")).value_or(0);
    }
    order.order = *std::move(json);
    if (order.id.empty()) error_ = "a line that is neither order nor target";
    crypto_hash_sha256_init(&hash_);
  }

  void close_order() {
    if (!order_ || !error_.empty()) return;
    Sha256 sha256;
    crypto_hash_sha256_final(&hash_, sha256.data());
    order_->sha256 = to_hex(sha256);
    take_(*std::move(order_));
    order_.reset();
  }

  const std::function<void(BundleOrder&&)>& take_;
  std::string partial_;  ///< of a line that the next piece goes on with
  std::string error_;
  std::uint64_t offset_ = 0;
  bool header_ = true;  ///< the next line is the header
  std::optional<BundleOrder> order_;
  crypto_hash_sha256_state hash_{};
};

}  // namespace

Result<void, std::string> each_order(const std::filesystem::path& bundle,
                                     const std::function<void(BundleOrder&&)>& take) {
  Walker walker(take);
  const auto streamed = stream_regular_file(bundle.string(), [&](Bytes bytes) { return walker.add(bytes); });
  if (!streamed) return std::unexpected(bundle.string() + ": " + streamed.error());
  auto finished = walker.finish();
  if (!finished) return std::unexpected(bundle.string() + ": " + finished.error());
  return {};
}

}  // namespace sluice
