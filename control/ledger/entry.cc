#include "control/ledger/entry.h"

#include "rules/sign/digest.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

using Object = JsonValue::Object;

Object entry(std::string_view type, UnixSeconds at) {
  return {{"type", type}, {"at", format_rfc3339(at)}};
}

}  // namespace

JsonValue release_entry(const SnapshotHeader& header, const std::string& sha256) {
  return Object{{"type", "release"},
                {"feed", header.feed},
                {"epoch", header.epoch},
                {"seq", header.seq},
                {"issued", format_rfc3339(header.issued)},
                {"expires", format_rfc3339(header.expires)},
                {"root", header.root},
                {"orders", header.orders},
                {"targets", header.targets},
                {"sha256", sha256}};
}

JsonValue order_entry(std::string_view feed, const JsonValue& order, const TargetList& targets, bool changed,
                      UnixSeconds at) {
  Object out = entry("order", at);
  out["feed"] = feed;
  out["change"] = changed ? "changed" : "applied";
  out["order"] = order;
  Object list{{"count", targets.count}, {"sha256", targets.sha256}};
  if (targets.commitments) list["commitments"] = true;
  out["targets"] = std::move(list);
  return out;
}

JsonValue revoke_entry(std::string_view feed, std::string_view order, UnixSeconds at) {
  Object out = entry("revoke", at);
  out["feed"] = feed;
  out["order"] = order;
  return out;
}

JsonValue refusal_entry(std::string_view feed, std::string_view order, std::string_view by, std::string_view code,
                        std::string_view why, UnixSeconds at) {
  Object out = entry("refusal", at);
  out["feed"] = feed;
  out["order"] = order;
  out["by"] = by;
  out["code"] = code;
  out["why"] = why;
  return out;
}

JsonValue override_entry(std::string_view feed, std::string_view order, std::string_view guard, std::string_view why,
                         UnixSeconds at) {
  Object out = entry("override", at);
  out["feed"] = feed;
  if (!order.empty()) out["order"] = order;
  out["guard"] = guard;
  out["why"] = why;
  return out;
}

JsonValue root_entry(std::string_view feed, const JsonValue& root, const std::string& sha256, UnixSeconds at) {
  Object out = entry("root", at);
  out["feed"] = feed;
  out["root"] = root;
  out["sha256"] = sha256;
  return out;
}

JsonValue sealed_entry(const std::string& commitment, UnixSeconds until, UnixSeconds at) {
  Object out = entry("sealed", at);
  out["commitment"] = commitment;
  out["until"] = format_rfc3339(until);
  return out;
}

JsonValue reveal_entry(std::uint64_t index, const std::string& salt, JsonValue shown, UnixSeconds at) {
  Object out = entry("reveal", at);
  out["index"] = index;
  out["salt"] = salt;
  out["entry"] = std::move(shown);
  return out;
}

std::string order_digest(const JsonValue& order, const std::string& targets_sha256) {
  return to_hex(digests_of(canonical_json(order) + "\n" + targets_sha256).sha256);
}

}  // namespace sluice
