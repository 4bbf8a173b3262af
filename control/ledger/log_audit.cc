#include "control/ledger/log_audit.h"

#include <algorithm>

#include "rules/sign/digest.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxCheckpointBytes = 1 << 20;

std::unexpected<LogError> fail(LogError::Code code, std::string detail) {
  return std::unexpected(LogError{code, std::move(detail)});
}

/// Calls `take(index, text)` for each entry of the log.
template <class Take>
Result<void, LogError> each_entry(const LogFiles& files, std::uint64_t size, Take&& take) {
  for (std::uint64_t at = 0; at < size; at += kTileWidth) {
    const auto some = files.entries(at, std::min(kTileWidth, size - at), size);
    if (!some.has_value()) return std::unexpected(some.error());
    for (std::size_t i = 0; i < some->size(); ++i) take(at + i, (*some)[i]);
  }
  return {};
}

class Auditor {
 public:
  explicit Auditor(const LogFiles& files) : files_(files) {}

  /// First walk: what was sealed may be shown much later, and counts from where it was sealed.
  void collect(const JsonValue& entry) {
    const JsonValue* shown = entry.text("type") == "reveal" ? entry.find("entry") : nullptr;
    if (shown != nullptr) revealed_.emplace(entry.number("index"), *shown);
  }

  void judge(std::uint64_t index, const std::string& text) {
    const auto entry = read_json(text);
    if (!entry) return problem(index, entry.error());
    if (canonical_json(*entry) != text) problem(index, "not in canonical form");
    ++audit.entries[std::string(entry->text("type"))];
    const auto taken = book_.take(*entry, [this](std::uint64_t at, const std::string&) {
      const auto shown = revealed_.find(at);
      return shown == revealed_.end() ? std::nullopt : std::optional(shown->second);
    });
    if (!taken) audit.problems.push_back(taken.error());
    check_list(index, *entry);
    if (const JsonValue* shown = entry->find("entry"); shown != nullptr) check_list(index, *shown);
  }

  void finish(UnixSeconds now) {
    for (const auto& [index, sealed] : book_.sealed()) {
      if (sealed.until > now) {
        ++audit.sealed;
      } else {
        problem(index, "was to be revealed by now");
      }
    }
  }

  LogAudit audit;

 private:
  void problem(std::uint64_t index, const std::string& what) {
    audit.problems.push_back("entry " + std::to_string(index) + ": " + what);
  }

  void check_list(std::uint64_t index, const JsonValue& entry) {
    const JsonValue* list = entry.text("type") == "order" ? entry.find("targets") : nullptr;
    if (list == nullptr) return;
    const std::string sha256(list->text("sha256"));
    if (sha256.size() != 64 || sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
      return problem(index, "the target list has no hash");
    }
    const auto bytes = files_.file("targets/" + sha256, kMaxListBytes);
    if (!bytes.has_value()) return problem(index, "target list: " + bytes.error().detail);
    if (to_hex(digests_of(*bytes).sha256) != sha256) return problem(index, "target list " + sha256 + " is another one");
    const auto lines = static_cast<std::uint64_t>(std::ranges::count(*bytes, '\n'));
    if (lines != list->number("count")) return problem(index, "target list " + sha256 + " has another length");
    ++audit.lists;
  }

  const LogFiles& files_;
  Book book_;
  std::map<std::uint64_t, JsonValue> revealed_;
};

/// True where the entry, or what it reveals, is about the order or release that is asked for.
bool speaks_of(const JsonValue& entry, std::string_view id) {
  if (const JsonValue* shown = entry.find("entry"); shown != nullptr) return speaks_of(*shown, id);
  if (entry.text("type") == "release") {
    return std::string(entry.text("feed")) + " " + std::to_string(entry.number("epoch")) + " " +
               std::to_string(entry.number("seq")) ==
           id;
  }
  const JsonValue* order = entry.find("order");
  return order != nullptr && (entry.text("order") == id || order->text("order") == id);
}

}  // namespace

Result<LogAudit, LogError> audit_log(const LogFiles& files, const NoteVerifier& who, UnixSeconds now) {
  const auto head = files.verify(who);
  if (!head.has_value()) return std::unexpected(head.error());
  Auditor auditor(files);
  auto walked = each_entry(files, head->size, [&](std::uint64_t, const std::string& text) {
    if (text.find("\"reveal\"") == std::string::npos) return;
    if (const auto entry = read_json(text)) auditor.collect(*entry);
  });
  if (walked.has_value()) {
    walked = each_entry(files, head->size,
                        [&](std::uint64_t index, const std::string& text) { auditor.judge(index, text); });
  }
  if (!walked.has_value()) return std::unexpected(walked.error());
  auditor.finish(now);
  auditor.audit.head = *head;
  return std::move(auditor.audit);
}

Result<TlogProof, LogError> prove_entry(const LogFiles& files, const NoteVerifier& who, std::uint64_t index,
                                        const std::vector<std::uint64_t>& from) try {
  auto note = files.file("checkpoint", kMaxCheckpointBytes);
  if (!note.has_value()) return std::unexpected(note.error());
  const auto text = open_note(*note, who);
  const auto head = text.has_value() ? parse_checkpoint(*text) : std::unexpected(text.error());
  if (!head.has_value()) return fail(LogError::Code::Signature, "checkpoint: " + std::string(to_string(head.error())));
  if (index >= head->size) return fail(LogError::Code::Corrupt, "no such entry");
  const SubtreeHash subtrees = files.subtrees(head->size);
  std::vector<ConsistencyFrom> consistency;
  for (const std::uint64_t size : from) {
    if (size > 0 && size < head->size) consistency.push_back({size, consistency_proof(size, head->size, subtrees)});
  }
  return TlogProof{to_text(consistency), index, inclusion_proof(index, head->size, subtrees), *std::move(note)};
} catch (const LogError& bad) {
  return std::unexpected(bad);
}

Result<EntryProof, LogError> prove_order(const LogFiles& files, const NoteVerifier& who, std::string_view order) {
  const auto head = files.checkpoint(who);
  if (!head.has_value()) return std::unexpected(head.error());
  std::string found;
  std::uint64_t at = 0;
  const auto walked = each_entry(files, head->size, [&](std::uint64_t index, const std::string& text) {
    const std::size_t space = order.find(' ');  // as any text of the entry holds it; what it means is asked below
    if (text.find(order.substr(0, space)) == std::string::npos) return;
    const auto entry = read_json(text);
    if (!entry || !speaks_of(*entry, order)) return;
    found = text;
    at = index;
  });
  if (!walked.has_value()) return std::unexpected(walked.error());
  if (found.empty()) return fail(LogError::Code::Corrupt, "nothing in the log of " + std::string(order));
  auto proof = prove_entry(files, who, at, {});
  if (!proof.has_value()) return std::unexpected(proof.error());
  proof->extra = found;
  return EntryProof{std::move(found), *std::move(proof)};
}

}  // namespace sluice
