#include "rules/model/order_check.h"

#include <algorithm>

#include "rules/model/ascii.h"

namespace sluice {
namespace {

/// The subset of RFC 5646 that order files need: "en", "ur", "zh-hant", "es-419".
bool is_language_tag(std::string_view tag) noexcept {
  const auto ok = [](char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '-'; };
  return tag.size() >= 2 && tag.size() <= 35 && is_lower(tag.front()) && tag.back() != '-' &&
         std::ranges::all_of(tag, ok);
}

/// Fit for an HTTP Link header and an EDE text: no spaces, quotes, angle brackets, backslashes or non-ASCII.
bool is_web_address(std::string_view url) noexcept {
  const auto fits = [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; };
  return (url.starts_with("https://") || url.starts_with("http://")) && std::ranges::all_of(url, fits);
}

class Problems {
 public:
  void add(std::string_view field, std::string what) { found_.push_back({field, std::move(what)}); }
  void required(std::string_view field, std::string_view value) {
    if (value.empty()) add(field, "required");
    bounded(field, value);
  }
  void bounded(std::string_view field, std::string_view value) {
    if (value.size() > kMaxTextBytes) add(field, "over " + std::to_string(kMaxTextBytes) + " bytes");
    printable(field, value);
  }
  /// Texts reach DNS answers, HTTP heads and terminals: no control characters.
  void printable(std::string_view field, std::string_view value) {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(value, control)) add(field, "a control character");
  }
  std::vector<OrderProblem> take() { return std::move(found_); }

 private:
  std::vector<OrderProblem> found_;
};

void check_window(const Order& order, Problems& problems) {
  if (order.effective <= 0) problems.add("effective", "required");
  if (order.expires <= 0) {
    problems.add("expires", "required");
  } else if (order.expires <= order.effective) {
    problems.add("expires", "not after effective");
  } else if (order.urgency == Urgency::Emergency && order.expires - order.effective > kMaxEmergencySeconds) {
    problems.add("expires", "an emergency order lasts at most 72 hours");
  } else if (order.expires - order.effective > kMaxOrderSeconds) {
    problems.add("expires", "more than 365 days after effective");
  }
  if (order.publication == PublicationKind::Delayed &&
      (order.delayed_until <= order.effective || order.delayed_until - order.effective > kMaxDelaySeconds)) {
    problems.add("publication", "delayed_until must lie within 90 days after effective");
  }
}

void check_reason(const Order& order, Problems& problems) {
  if (order.reason.empty()) problems.add("reason", "required");
  for (const auto& [language, text] : order.reason) {
    if (!is_language_tag(language)) problems.add("reason", "\"" + language.substr(0, 40) + "\" is not a language tag");
    if (text.empty()) problems.add("reason", "empty text");
    problems.printable("reason", text);
    if (text.size() > kMaxReasonBytes) problems.add("reason", language.substr(0, 40) + ": over 200 bytes");
  }
}

}  // namespace

bool is_order_id(std::string_view id) noexcept {
  const auto head = [](char c) { return is_upper(c) || is_digit(c); };
  const auto rest = [&](char c) { return head(c) || c == '.' || c == '_' || c == '-'; };
  return id.size() >= 3 && id.size() <= 64 && head(id.front()) && std::ranges::all_of(id, rest);
}

bool is_feed_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 128) return false;
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    const auto ok = [](char c) { return is_lower(c) || is_digit(c) || c == '.' || c == '-'; };
    if (part.empty() || part == "." || part == ".." || !std::ranges::all_of(part, ok)) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool is_sha256_hex(std::string_view text) noexcept {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

std::vector<OrderProblem> check_order(const Order& order) {
  Problems problems;
  if (!is_order_id(order.id)) problems.add("id", "must be [A-Z0-9][A-Z0-9._-]{2,63}");
  problems.required("number", order.number);
  problems.required("authority", order.authority);
  problems.required("law", order.law);
  check_window(order, problems);
  check_reason(order, problems);
  if (order.appeal_url.empty() && order.appeal_email.empty()) problems.add("appeal", "required: url or email");
  if (!order.appeal_url.empty() && !is_web_address(order.appeal_url)) {
    problems.add("appeal", "url must be an http:// or https:// address in printable ASCII");
  }
  problems.bounded("appeal", order.appeal_url);
  problems.bounded("appeal", order.appeal_email);
  if (order.methods == 0 || order.methods > kAllMethods) problems.add("methods", "names no method");
  if (!order.renews.empty() && !is_order_id(order.renews)) problems.add("renews", "not an order id");
  if (!order.evidence_sha256.empty() && !is_sha256_hex(order.evidence_sha256)) {
    problems.add("attribution", "evidence_sha256 must be 64 lower-case hex digits");
  }
  problems.bounded("basis", order.court);
  for (const Listing& listing : order.listings) {
    problems.required("basis", listing.list);
    problems.bounded("basis", listing.ref);
    problems.bounded("basis", listing.organisation);
  }
  problems.bounded("necessity", order.not_notified);
  problems.bounded("necessity", order.justification);
  for (const Override& o : order.overrides) {
    problems.required("overrides", o.guard);
    problems.required("overrides", o.why);
  }
  return problems.take();
}

}  // namespace sluice
