#include "control/daemon/changes.h"

#include <simdjson.h>

#include <algorithm>
#include <span>

#include "control/daemon/answers.h"
#include "control/store/disk.h"
#include "rules/delta/delta.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

constexpr std::uint64_t kMaxBundle = std::uint64_t{4} << 30;
/// Of a feed's first bundle all is new.
constexpr std::string_view kNothing = R"({"seq":0})"
                                      "\n";

std::uint64_t seq_of(std::string_view header) {
  simdjson::dom::parser parser;
  simdjson::dom::element body;
  std::uint64_t seq = 0;
  const bool good = parser.parse(header.data(), header.size()).get(body) == simdjson::SUCCESS &&
                    body["seq"].get(seq) == simdjson::SUCCESS;
  return good ? seq : 0;
}

void write_targets(JsonWriter& json, std::string_view key, std::span<const std::string_view> lines, std::size_t& room) {
  json.key(key).begin_array();
  for (const std::string_view line : lines.first(std::min(room, lines.size()))) json.value(line);
  room -= std::min(room, lines.size());
  json.end_array();
}

}  // namespace

Result<std::string, std::string> changes_json(const RulesView& view, const FeedView& feed,
                                              const std::filesystem::path& before, const std::filesystem::path& now) {
  const std::string old_text = std::filesystem::exists(before) ? read_whole(before, kMaxBundle) : std::string(kNothing);
  const std::string new_text = read_whole(now, kMaxBundle);
  const auto from = SnapshotText::read(old_text);
  if (!from) return std::unexpected(to_string(from.error(), before.string()));
  const auto to = SnapshotText::read(new_text);
  if (!to) return std::unexpected(to_string(to.error(), now.string()));
  const std::vector<OrderChange> changes = diff(*from, *to);
  const ChangeCounts counts = count(changes);
  const StagedApply* const staged = find_staged(view.apply, feed.feed);
  const OrderStates states(view);

  std::string out;
  JsonWriter json(out);
  json.begin_object().member("feed", feed.feed).member("from_seq", seq_of(from->header()));
  json.member("to_seq", seq_of(to->header()))
      .member("phase", staged == nullptr ? "enforced" : to_string(staged->phase));
  json.member("orders_added", counts.orders_added).member("orders_changed", counts.orders_changed);
  json.member("orders_revoked", counts.orders_revoked).member("targets_added", counts.targets_added);
  json.member("targets_removed", counts.targets_removed).key("orders").begin_array();
  for (const OrderChange& change : changes) {
    const bool gone = change.kind == OrderChange::Kind::Revoked;
    json.begin_object().member("id", change.id).member("change", to_string(change.kind));
    json.member("state", gone ? std::string_view("gone") : states.of(feed.feed, change.id));
    json.member("targets_added", change.added.size()).member("targets_removed", change.removed.size());
    std::size_t room = kTargetsShown;
    write_targets(json, "added", change.added, room);
    write_targets(json, "removed", change.removed, room);
    const std::size_t all = change.added.size() + change.removed.size();
    json.member("not_shown", all - (kTargetsShown - room)).end_object();
  }
  json.end_array().end_object();
  return out;
}

}  // namespace sluice
