#include "control/ledger/order_log.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "control/ledger/target_lists.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

std::string text_of(const LogError& error) {
  return "log: " + error.detail;
}

}  // namespace

/// What one call will append.
struct OrderLog::Draft {
  std::vector<JsonValue> entries;
  TargetLists lists;
  std::map<std::string, const OrderRefusal*> refusals;  ///< by order
  std::set<std::string> seen;
  Logged done;
};

OrderLog::OrderLog(fs::path folder, fs::path secrets, NoteSigner key)
    : folder_(std::move(folder)), key_(std::move(key)), private_(secrets, key_), secrets_(std::move(secrets)) {}

Result<void, std::string> OrderLog::open() {
  if (log_) return {};
  std::error_code error;
  fs::create_directories(secrets_, error);
  if (error || ::chmod(secrets_.c_str(), 0700) != 0) return std::unexpected(secrets_.string() + ": cannot be made");
  auto opened = Log::open(folder_, key_.who, key_.secret);
  if (!opened.has_value()) return std::unexpected(text_of(opened.error()));
  log_.emplace(*std::move(opened));
  auto read = catch_up();
  if (!read) log_.reset();
  return read;
}

/// Takes in what the log has and the book has not.
Result<void, std::string> OrderLog::catch_up() {
  const auto unseal = [this](std::uint64_t, const std::string& commitment) { return private_.unseal(commitment); };
  while (book_.size() < log_->size()) {
    const std::uint64_t count = std::min(kTileWidth - book_.size() % kTileWidth, log_->size() - book_.size());
    const auto entries = log_->files().entries(book_.size(), count, log_->size());
    if (!entries.has_value()) return std::unexpected(text_of(entries.error()));
    for (const std::string& text : *entries) {
      const auto entry = read_json(text);
      if (!entry) return std::unexpected("log: entry " + std::to_string(book_.size()) + ": " + entry.error());
      if (auto taken = book_.take(*entry, unseal); !taken) return std::unexpected("log: " + taken.error());
    }
  }
  return {};
}

Result<void, std::string> OrderLog::append(std::span<const JsonValue> entries) {
  if (auto opened = open(); !opened) return opened;
  // What would make the log say something impossible must not get in: it could never be taken out again.
  Book trial = book_;
  const auto unseal = [this](std::uint64_t, const std::string& commitment) { return private_.unseal(commitment); };
  for (const JsonValue& entry : entries) {
    if (auto taken = trial.take(entry, unseal); !taken) return std::unexpected("not logged: " + taken.error());
  }
  std::vector<std::string> texts;
  texts.reserve(entries.size());
  for (const JsonValue& entry : entries) texts.push_back(canonical_json(entry));
  const auto appended = log_->append(texts);
  auto result = appended.has_value() ? catch_up() : std::unexpected(text_of(appended.error()));
  if (!result) log_.reset();
  return result;
}

/// The entry, or where it is not to be seen before `until` what stands for it.
Result<JsonValue, std::string> OrderLog::veil(JsonValue entry, UnixSeconds until, UnixSeconds now) const {
  if (until <= now) return entry;
  const auto commitment = private_.seal(entry);
  if (!commitment) return std::unexpected(commitment.error());
  return sealed_entry(*commitment, until, now);
}

Result<TargetList, std::string> OrderLog::list_of(const Enforced& what, const BundleOrder& order, Draft& draft) const {
  if (order.publication != PublicationKind::Lookup) return TargetList{order.targets, order.sha256, false};
  return draft.lists.commit(what.bundle, what.header.feed, order, private_);
}

Result<void, std::string> OrderLog::add_order(const Enforced& what, const Book::Feed& stands, BundleOrder&& order,
                                              Draft& draft, UnixSeconds now) {
  const std::string& feed = what.header.feed;
  draft.seen.insert(order.id);
  ++draft.done.orders;
  draft.done.targets += order.targets;
  const UnixSeconds until = order.publication == PublicationKind::Delayed ? order.delayed_until : 0;
  const auto add = [&](JsonValue entry) -> Result<void, std::string> {
    auto veiled = veil(std::move(entry), until, now);
    if (!veiled) return std::unexpected(veiled.error());
    draft.entries.push_back(*std::move(veiled));
    return {};
  };
  if (const auto refused = draft.refusals.find(order.id); refused != draft.refusals.end()) {
    const OrderRefusal& refusal = *refused->second;
    const auto known = stands.refused.find(order.id);
    if (known != stands.refused.end() && known->second == Book::Refusal{refusal.by, refusal.code}) return {};
    draft.done.refused.push_back(order.id);
    return add(refusal_entry(feed, order.id, refusal.by, refusal.code, refusal.why, now));
  }
  const auto list = list_of(what, order, draft);
  if (!list) return std::unexpected(list.error());
  const auto standing = stands.orders.find(order.id);
  const bool changes = standing != stands.orders.end();
  if (changes && standing->second.digest == order_digest(order.order, list->sha256)) return {};
  (changes ? draft.done.changed : draft.done.applied).push_back(order.id);
  if (!list->commitments) draft.lists.copy(order, until > now);
  auto added = add(order_entry(feed, order.order, *list, changes, now));
  const JsonValue::Array* overrides = order.order.items("overrides");
  for (std::size_t i = 0; added && overrides != nullptr && i < overrides->size(); ++i) {
    const JsonValue& one = (*overrides)[i];
    added = add(override_entry(feed, order.id, one.text("guard"), one.text("why"), now));
  }
  return added;
}

/// Orders that stood, or were refused, and are no longer in the bundle.
void OrderLog::add_missing(const Book::Feed& stands, const std::string& feed, Draft& draft, UnixSeconds now) {
  const auto revoke = [&](const std::string& id, UnixSeconds sealed_until) {
    if (draft.seen.contains(id)) return;
    draft.done.revoked.push_back(id);
    if (auto entry = veil(revoke_entry(feed, id, now), sealed_until, now)) draft.entries.push_back(*std::move(entry));
  };
  for (const auto& [id, order] : stands.orders) revoke(id, order.sealed_until);
  for (const auto& [id, refusal] : stands.refused) revoke(id, 0);
}

Result<Logged, std::string> OrderLog::enforce(const Enforced& what, UnixSeconds now) {
  if (auto opened = open(); !opened) return std::unexpected(opened.error());
  const Book::Feed stands = book_.feed(what.header.feed);
  Draft draft;
  draft.done.size = log_->size();
  if (stands.release &&
      std::pair(what.header.epoch, what.header.seq) < std::pair(stands.release->epoch, stands.release->seq)) {
    return std::move(draft.done);  // a crash came before the bundle that the log speaks of was kept: that one follows
  }
  for (const OrderRefusal& refusal : what.refusals) draft.refusals[refusal.order] = &refusal;
  Result<void, std::string> added;
  auto walked = each_order(what.bundle, [&](BundleOrder&& order) {
    if (added) added = add_order(what, stands, std::move(order), draft, now);
  });
  if (!walked) return std::unexpected(walked.error());
  if (!added) return std::unexpected(added.error());
  add_missing(stands, what.header.feed, draft, now);
  const bool same = stands.release && stands.release->epoch == what.header.epoch &&
                    stands.release->seq == what.header.seq && stands.release->sha256 == what.sha256;
  if (!same) draft.entries.push_back(release_entry(what.header, what.sha256));
  if (auto kept = draft.lists.keep(what.bundle, targets(), private_.held()); !kept) {
    return std::unexpected(kept.error());
  }
  if (auto appended = append(draft.entries); !appended) return std::unexpected(appended.error());
  draft.done.size = log_->size();
  return std::move(draft.done);
}

Result<std::size_t, std::string> OrderLog::reveal(UnixSeconds now) {
  if (auto opened = open(); !opened) return std::unexpected(opened.error());
  std::vector<JsonValue> entries;
  std::vector<std::string> commitments;
  std::string missing;
  for (const auto& [index, sealed] : book_.sealed()) {
    if (sealed.until > now) continue;
    auto entry = private_.unseal(sealed.commitment);
    if (!entry) {
      missing = "the sealed entry " + std::to_string(index) + " is lost: " + sealed.commitment;
      continue;
    }
    if (const JsonValue* list = entry->find("targets"); list != nullptr) {
      auto shown = show_list(std::string(list->text("sha256")), private_.held(), targets());
      if (!shown) return std::unexpected(shown.error());
    }
    const std::string salt = private_.salt(canonical_json(*entry));
    entries.push_back(reveal_entry(index, salt, *std::move(entry), now));
    commitments.push_back(sealed.commitment);
  }
  if (auto appended = append(entries); !appended) return std::unexpected(appended.error());
  for (const std::string& commitment : commitments) private_.forget(commitment);
  if (!missing.empty()) return std::unexpected(missing);
  return commitments.size();
}

}  // namespace sluice
