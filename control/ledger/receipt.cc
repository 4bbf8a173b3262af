#include "control/ledger/receipt.h"

#include <algorithm>
#include <map>

#include "control/ledger/private_files.h"
#include "rules/sign/digest.h"
#include "rules/text/rfc3339.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using Object = JsonValue::Object;

constexpr std::size_t kMaxOrdersNamed = 10'000;
constexpr std::size_t kMaxReceiptBytes = 16 << 20;

/// Sums up what the log says of one feed between two of its releases.
class Summary {
 public:
  explicit Summary(std::string feed) : feed_(std::move(feed)) {}

  void take(const JsonValue& entry) {
    if (entry.text("feed") != feed_) return;
    const std::string_view type = entry.text("type");
    if (type == "release") {
      release_ = entry;
    } else if (type == "order") {
      const JsonValue* order = entry.find("order");
      name(order == nullptr ? "" : order->text("order"), entry.text("change"),
           order == nullptr ? "" : order->text("effective"));
    } else if (type == "revoke") {
      name(entry.text("order"), "revoked", "");
    } else if (type == "refusal") {
      ++counts_["refused"];
    }
  }

  [[nodiscard]] const JsonValue& release() const noexcept { return release_; }
  [[nodiscard]] Object counts() const {
    Object out{{"orders", release_.number("orders")}, {"targets", release_.number("targets")}};
    for (const char* change : {"applied", "changed", "revoked", "refused"}) {
      const auto at = counts_.find(change);
      out[change] = at == counts_.end() ? std::uint64_t{0} : at->second;
    }
    return out;
  }
  /// Each order with the seconds from issue to enforcement; one that comes into force later counts from then.
  [[nodiscard]] JsonValue::Array orders(UnixSeconds applied_at) const {
    const UnixSeconds issued = parse_rfc3339(release_.text("issued")).value_or(applied_at);
    JsonValue::Array out;
    for (const Named& order : orders_) {
      if (out.size() == kMaxOrdersNamed) break;
      const UnixSeconds enforced = std::max(applied_at, parse_rfc3339(order.effective).value_or(0));
      Object named{{"order", order.id}, {"change", order.change}};
      named["seconds"] = std::int64_t{enforced - issued};
      out.emplace_back(std::move(named));
    }
    return out;
  }

 private:
  struct Named {
    std::string id, change, effective;
  };
  void name(std::string_view id, std::string_view change, std::string_view effective) {
    ++counts_[std::string(change)];
    orders_.push_back({std::string(id), std::string(change), std::string(effective)});
  }

  std::string feed_;
  JsonValue release_;
  std::map<std::string, std::uint64_t> counts_;
  std::vector<Named> orders_;
};

JsonValue::Array refusals_of(const Book::Feed& feed) {
  JsonValue::Array out;
  for (const auto& [id, refusal] : feed.refused) {
    out.emplace_back(Object{{"order", id}, {"by", refusal.by}, {"code", refusal.code}});
  }
  return out;
}

std::string slug_of(std::string feed) {
  std::ranges::replace(feed, '/', '-');
  return feed;
}

}  // namespace

Result<JsonValue, std::string> make_receipt(const Book& book, const LogFiles& files, const std::string& feed,
                                            const std::string& gateway, UnixSeconds applied_at,
                                            const Uninspected& uninspected, const Book::Unseal& unseal) {
  const Book::Feed& said = book.feed(feed);
  if (!said.release) return std::unexpected("the log has no release of " + feed);
  Summary summary(feed);
  std::uint64_t at = said.before ? said.before->index + 1 : 0;
  while (at < book.size()) {
    const std::uint64_t count = std::min(kTileWidth - at % kTileWidth, book.size() - at);
    const auto entries = files.entries(at, count, book.size());
    if (!entries.has_value()) return std::unexpected("log: " + entries.error().detail);
    for (const std::string& text : *entries) {
      const auto entry = read_json(text);
      if (!entry) return std::unexpected("log: " + entry.error());
      const bool sealed = entry->text("type") == "sealed";
      const auto open = sealed ? unseal(at, std::string(entry->text("commitment"))) : std::optional(*entry);
      if (open) summary.take(*open);
      ++at;
    }
  }
  const JsonValue& release = summary.release();
  Object log{{"entry", said.release->index}, {"size", book.size()}};
  Object missed{{"packets", uninspected.packets}, {"of", uninspected.of_packets}};
  Object receipt{{"schema", "sluice/receipt/1"}, {"gateway", gateway}, {"feed", feed}};
  receipt["epoch"] = said.release->epoch;
  receipt["seq"] = said.release->seq;
  receipt["sha256"] = said.release->sha256;
  receipt["issued"] = release.text("issued");
  receipt["applied_at"] = format_rfc3339(applied_at);
  receipt["log"] = std::move(log);
  receipt["counts"] = summary.counts();
  receipt["orders"] = summary.orders(applied_at);
  receipt["refusals"] = refusals_of(said);
  receipt["bypass_seconds"] = uninspected.bypass_seconds;
  receipt["uninspected"] = std::move(missed);
  return JsonValue(std::move(receipt));
}

fs::path ReceiptFiles::place(const std::string& feed, std::uint64_t epoch, std::uint64_t seq) const {
  return folder_ / slug_of(feed) / (std::to_string(epoch) + "-" + std::to_string(seq) + ".json");
}

bool ReceiptFiles::has(const std::string& feed, const Book::Release& release) const {
  return fs::exists(place(feed, release.epoch, release.seq).string() + ".minisig");
}

Result<void, std::string> ReceiptFiles::put(const JsonValue& receipt, const MinisignSecretKey& key) const {
  const std::string text = canonical_json(receipt) + "\n";
  const std::string feed(receipt.text("feed"));
  const std::uint64_t epoch = receipt.number("epoch"), seq = receipt.number("seq");
  const std::string comment = "gateway=" + std::string(receipt.text("gateway")) + " feed=" + feed +
                              " epoch=" + std::to_string(epoch) + " seq=" + std::to_string(seq) +
                              " sha256=" + std::string(receipt.text("sha256"));
  const fs::path file = place(feed, epoch, seq);
  if (auto kept = keep_file(file, text); !kept) return kept;
  return keep_file(file.string() + ".minisig", write_signature(sign(key, digests_of(text).blake2b, comment)));
}

std::vector<ReceiptFiles::Signed> ReceiptFiles::latest(const std::string& feed, std::size_t most) const {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder_, ignored)) {
    const fs::path& path = entry.path();
    if (path.extension() != ".minisig" || path.filename().string().starts_with('.')) continue;
    if (!feed.empty() && path.parent_path().filename() != slug_of(feed)) continue;
    found.emplace_back(entry.last_write_time(ignored), path);
  }
  std::ranges::sort(found, std::ranges::greater());
  if (found.size() > most) found.resize(most);
  std::vector<Signed> out;
  for (const auto& [time, path] : found) {
    const auto signature = read_regular_file(path.string(), kMaxMinisignBytes);
    const auto receipt = read_regular_file(fs::path(path).replace_extension().string(), kMaxReceiptBytes);
    if (signature && receipt) out.push_back({*receipt, *signature});
  }
  return out;
}

Result<JsonValue, std::string> verify_receipt(std::string_view receipt, std::string_view signature,
                                              const MinisignPublicKey& key) {
  const auto read = read_signature(signature);
  if (!read.has_value()) return std::unexpected("the signature: " + std::string(to_string(read.error())));
  if (!verify(key, digests_of(receipt).blake2b, *read)) {
    return std::unexpected(std::string("this key did not sign this receipt"));
  }
  auto json = read_json(receipt);
  if (!json) return std::unexpected("the receipt: " + json.error());
  if (json->text("schema") != "sluice/receipt/1") return std::unexpected(std::string("not a receipt"));
  return *std::move(json);
}

}  // namespace sluice
