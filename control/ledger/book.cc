#include "control/ledger/book.h"

#include <sodium.h>

#include <utility>

#include "control/ledger/entry.h"
#include "rules/sign/digest.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

/// SHA-256(salt | entry) as a reveal gives them; empty where the salt is no hex.
std::string commitment_of(const JsonValue& reveal) {
  const std::string_view hex = reveal.text("salt");
  std::string salt(hex.size() / 2, '\0');
  std::size_t length = 0;
  if (sodium_hex2bin(reinterpret_cast<unsigned char*>(salt.data()), salt.size(), hex.data(), hex.size(), nullptr,
                     &length, nullptr) != 0 ||
      length * 2 != hex.size()) {
    return {};
  }
  const JsonValue* entry = reveal.find("entry");
  return entry == nullptr ? "" : to_hex(digests_of(salt + canonical_json(*entry)).sha256);
}

}  // namespace

const Book::Feed& Book::feed(const std::string& name) const {
  static const Feed kNone;
  const auto at = feeds_.find(name);
  return at == feeds_.end() ? kNone : at->second;
}

Result<void, std::string> Book::take(const JsonValue& entry, const Unseal& unseal) {
  const std::string_view type = entry.text("type");
  std::string wrong;
  if (type == "sealed") {
    wrong = unsealed(entry, unseal);
  } else if (type == "reveal") {
    wrong = revealed(entry);
  } else {
    wrong = effect(entry, 0);
  }
  if (!wrong.empty()) return std::unexpected("entry " + std::to_string(size_) + ": " + wrong);
  ++size_;
  return {};
}

std::string Book::unsealed(const JsonValue& entry, const Unseal& unseal) {
  const auto until = parse_rfc3339(entry.text("until"));
  const std::string commitment(entry.text("commitment"));
  if (!until || commitment.size() != 64) return "sealed without commitment or time";
  sealed_[size_] = {commitment, *until};
  const auto inner = unseal ? unseal(size_, commitment) : std::nullopt;
  return inner ? effect(*inner, *until) : "";
}

std::string Book::revealed(const JsonValue& entry) {
  const auto at = sealed_.find(entry.number("index"));
  if (at == sealed_.end()) return "reveals what is not sealed";
  if (commitment_of(entry) != at->second.commitment) return "is not what was sealed";
  sealed_.erase(at);
  return "";
}

std::string Book::effect(const JsonValue& entry, UnixSeconds sealed_until) {
  const std::string_view type = entry.text("type");
  if (type == "stats") {
    stats_day_ = entry.text("day");
    return "";
  }
  Feed& feed = feeds_[std::string(entry.text("feed"))];
  const std::string id(entry.text("order"));
  if (type == "order") return order(entry, feed, sealed_until);
  if (type == "release") return release(entry, feed);
  if (type == "override") return "";
  if (type == "revoke") {
    return feed.orders.erase(id) + feed.refused.erase(id) > 0 ? "" : "revokes " + id + ", which does not stand";
  }
  if (type == "refusal") {
    feed.orders.erase(id);
    feed.refused[id] = {std::string(entry.text("by")), std::string(entry.text("code"))};
    return id.empty() ? "a refusal of no order" : "";
  }
  if (type == "root") {
    feed.root_sha256 = entry.text("sha256");
    return "";
  }
  return "unknown type \"" + std::string(type) + "\"";
}

std::string Book::order(const JsonValue& entry, Feed& feed, UnixSeconds sealed_until) {
  const JsonValue* order = entry.find("order");
  const JsonValue* targets = entry.find("targets");
  const std::string id(order == nullptr ? "" : order->text("order"));
  if (id.empty() || targets == nullptr) return "an order without id or targets";
  const bool changes = entry.text("change") == "changed";
  if (feed.orders.contains(id) != changes) {
    return "order " + id + (changes ? " is changed and does not stand" : " is applied twice");
  }
  feed.refused.erase(id);
  feed.orders[id] = {order_digest(*order, std::string(targets->text("sha256"))), size_, sealed_until,
                     std::string(targets->find("commitments") == nullptr ? "" : targets->text("sha256"))};
  return "";
}

std::string Book::release(const JsonValue& entry, Feed& feed) {
  const Release release{entry.number("epoch"), entry.number("seq"), std::string(entry.text("sha256")), size_};
  if (release.sha256.size() != 64) return "a release without its hash";
  if (feed.release && std::pair(release.epoch, release.seq) < std::pair(feed.release->epoch, feed.release->seq)) {
    return "a release that goes back";
  }
  feed.before = std::exchange(feed.release, release);
  return "";
}

}  // namespace sluice
