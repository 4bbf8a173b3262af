#include "control/ctl/inspect/line.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "rules/text/json_writer.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

// Of the registry "DNS parameters" (IANA), those that clients ask for; others are written as RFC 3597 5 does.
constexpr std::array<std::pair<std::uint16_t, std::string_view>, 24> kQtypes{{
    {1, "A"},     {2, "NS"},     {5, "CNAME"},  {6, "SOA"},     {12, "PTR"},  {13, "HINFO"},
    {15, "MX"},   {16, "TXT"},   {28, "AAAA"},  {29, "LOC"},    {33, "SRV"},  {35, "NAPTR"},
    {43, "DS"},   {44, "SSHFP"}, {46, "RRSIG"}, {48, "DNSKEY"}, {52, "TLSA"}, {61, "OPENPGPKEY"},
    {64, "SVCB"}, {65, "HTTPS"}, {251, "IXFR"}, {252, "AXFR"},  {255, "ANY"}, {257, "CAA"},
}};

std::string qtype_text(std::uint16_t qtype) {
  const auto known = std::ranges::find(kQtypes, qtype, [](const auto& entry) { return entry.first; });
  return known != kQtypes.end() ? std::string(known->second) : "TYPE" + std::to_string(qtype);
}

constexpr std::string_view proto_text(Method method) noexcept {
  switch (method) {
    case Method::Dns: return "dns";
    case Method::Sni: return "tls";
    case Method::Quic: return "quic";
    default: return "http";
  }
}

/// RFC 3339 with nine digits of fraction; plain seconds where the year has no four digits.
std::string time_text(std::int64_t seconds, std::uint32_t nanoseconds) {
  constexpr std::int64_t kYear10000 = 253402300800;
  if (seconds < 0 || seconds >= kYear10000) return std::to_string(seconds);
  std::string text = format_rfc3339(seconds);
  const std::string fraction = std::to_string(nanoseconds);
  text.insert(text.size() - 1, "." + std::string(9 - std::min<std::size_t>(9, fraction.size()), '0') + fraction);
  return text;
}

struct Verdict {
  std::string_view verdict, feed, order, target;
};
Verdict verdict_of(const NameSeen& seen, const RuleSet& rules) {
  const ImageOrder& order = rules.orders()[seen.decision.order];
  return {seen.decision.blocked() ? "blocked" : "shadow", rules.feeds()[order.feed].name, order.id,
          rules.target_text(seen.decision, seen.name.text())};
}

void append_json(std::string& out, std::uint64_t frame, std::string_view time, const NameSeen& seen,
                 const RuleSet* rules) {
  JsonWriter json(out);
  json.begin_object().member("frame", frame).member("time", time).member("proto", proto_text(seen.method));
  json.member("name", seen.name.text());
  if (seen.method == Method::Dns) json.member("qtype", qtype_text(seen.qtype));
  if (seen.outer) json.member("outer", true);
  if (rules != nullptr && seen.decision.order != kNoOrder) {
    const Verdict verdict = verdict_of(seen, *rules);
    json.member("verdict", verdict.verdict).member("feed", verdict.feed);
    json.member("order", verdict.order).member("target", verdict.target);
  } else if (rules != nullptr) {
    json.member("verdict", "allowed");
  }
  json.end_object();
}

void append_text(std::string& out, std::uint64_t frame, std::string_view time, const NameSeen& seen,
                 const RuleSet* rules) {
  const auto word = [&out](std::string_view text) { out.append(" ").append(text); };
  out += std::to_string(frame);
  word(time);
  word(proto_text(seen.method));
  word(seen.name.text());
  if (seen.method == Method::Dns) word(qtype_text(seen.qtype));
  if (seen.outer) word("outer");
  if (rules != nullptr && seen.decision.order != kNoOrder) {
    const Verdict verdict = verdict_of(seen, *rules);
    for (const std::string_view text : {verdict.verdict, verdict.feed, verdict.order, verdict.target}) word(text);
  } else if (rules != nullptr) {
    word("allowed");
  }
}

}  // namespace

void append_line(std::string& out, InspectOptions::Format format, std::uint64_t frame, std::int64_t seconds,
                 std::uint32_t nanoseconds, const NameSeen& seen, const RuleSet* rules) {
  const std::string time = time_text(seconds, nanoseconds);
  const auto append = format == InspectOptions::Format::Jsonl ? append_json : append_text;
  append(out, frame, time, seen, rules);
  out += '\n';
}

}  // namespace sluice
