#pragma once

#include "rules/model/order.h"
#include "rules/text/rfc3339.h"

namespace sluice::test {

inline NameTarget named(std::string_view name, Scope scope) {
  return {*canonical_name(name), scope};
}

/// An order that gives every field.
inline OrderWithTargets full_order() {
  OrderWithTargets out;
  Order& o = out.order;
  o.id = "NCCIA-2026-00481";
  o.number = "481/2026";
  o.methods = bit(Method::Dns) | bit(Method::Sni);
  o.qtypes = QtypeSet::All;
  o.effective = *parse_rfc3339("2026-11-02T00:00:00Z");
  o.expires = o.effective + 48 * 3600;
  o.urgency = Urgency::Emergency;
  o.renews = "NCCIA-2026-00102";
  o.authority = "National Agency";
  o.law = "Act of 2016, section 37";
  o.court = "High Court \"A\"";
  o.listings = {{"UN-1267", "QDe.132", "Some organisation"}, {"UN-1988", "", ""}};
  o.reason = {{"en", "Blocked"}, {"ur", "\xd8\xa8\xd9\x86\xd8\xaf"}};
  o.appeal_url = "https://appeal.example/";
  o.appeal_email = "appeals@example.org";
  o.evidence_sha256 = std::string(64, 'a');
  o.assessed_at = "2026-10-30";
  o.host_notice_at = "2026-10-20";
  o.not_notified = "host unknown";
  o.justification = "needed";
  o.publication = PublicationKind::Delayed;
  o.delayed_until = o.effective + 86400;
  o.overrides = {{"G5", "the whole platform"}};
  out.targets = {named("news.example.org", Scope::Subtree), named("www.example.net", Scope::Exact),
                 PatternTarget{R"(mirror[0-9]{1,3}\.example\.(com|net))"}};
  return out;
}

/// An order that gives only what is required.
inline OrderWithTargets small_order(std::string id = "AAA-1") {
  OrderWithTargets out;
  Order& o = out.order;
  o.id = std::move(id);
  o.number = "1";
  o.effective = *parse_rfc3339("2026-11-02T00:00:00Z");
  o.expires = *parse_rfc3339("2027-05-01T00:00:00Z");
  o.authority = "A";
  o.law = "L";
  o.reason = {{"en", "R"}};
  o.appeal_email = "a@example.org";
  out.targets = {named("a.test", Scope::Exact)};
  return out;
}

inline Snapshot snapshot_of(std::vector<OrderWithTargets> orders) {
  Snapshot out;
  out.header.feed = "pta.example/terror";
  out.header.epoch = 1;
  out.header.seq = 812;
  out.header.issued = *parse_rfc3339("2026-11-01T00:00:00Z");
  out.header.expires = *parse_rfc3339("2026-11-15T00:00:00Z");
  out.header.root = 3;
  out.header.orders = orders.size();
  for (const auto& order : orders) out.header.targets += order.targets.size();
  out.orders = std::move(orders);
  return out;
}

}  // namespace sluice::test
