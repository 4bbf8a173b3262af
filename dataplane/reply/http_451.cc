#include "dataplane/reply/http_451.h"

#include <array>

#include "dataplane/reply/message_writer.h"
#include "dataplane/reply/tcp_reset.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxPage = 1000;  // one segment wherever IPv6 runs (RFC 8200 5: 1280 less headers)

void digits(MessageWriter& w, std::uint64_t value, unsigned width) noexcept {
  std::array<char, 20> text{};
  std::size_t at = text.size();
  do {
    text[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (at > 0 && (value > 0 || text.size() - at < width));
  w.text({text.data() + at, text.size() - at});
}

/// YYYY-MM-DD of a Unix time. Civil-from-days over 400-year eras that begin on 1 March (Howard Hinnant's derivation).
void date(MessageWriter& w, std::int64_t unix_s) noexcept {
  constexpr std::int64_t kDaysTo1970 = 719468, kEraDays = 146097;
  const std::int64_t days = (unix_s < 0 ? 0 : unix_s) / 86400 + kDaysTo1970;
  const std::int64_t era = days / kEraDays;
  const std::int64_t day = days % kEraDays;
  const std::int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const std::int64_t year_day = day - (365 * year + year / 4 - year / 100);
  const std::int64_t month = (5 * year_day + 2) / 153;
  const std::int64_t civil_month = month < 10 ? month + 3 : month - 9;
  digits(w, static_cast<std::uint64_t>(year + era * 400 + (civil_month <= 2 ? 1 : 0)), 4);
  w.u8('-');
  digits(w, static_cast<std::uint64_t>(civil_month), 2);
  w.u8('-');
  digits(w, static_cast<std::uint64_t>(year_day - (153 * month + 2) / 5 + 1), 2);
}

/// A URL as it may stand in a header: nothing that ends the line or the <…> around it (RFC 8288 3).
bool safe_in_link(std::string_view url) noexcept {
  for (const char c : url) {
    if (c <= ' ' || c == '<' || c == '>' || c == '"' || c == 0x7f) return false;
  }
  return !url.empty();
}

void line(MessageWriter& w, std::string_view label, std::string_view value) noexcept {
  if (value.empty()) return;
  w.text(label);
  w.text(value);
  w.u8('\n');
}

void page(MessageWriter& w, const Http451Text& text) noexcept {
  w.text("This site is blocked by a legal order.\n\n");
  line(w, "Authority: ", text.authority);
  line(w, "Law: ", text.law);
  line(w, "Order: ", text.order_id);
  line(w, "Number: ", text.number);
  line(w, "Reason: ", text.reason);
  w.text("Expires: ");
  date(w, text.expires);
  w.u8('\n');
  line(w, "Appeal: ", text.appeal_url);
}

bool is_head(Bytes request) noexcept {
  constexpr std::string_view kHead = "HEAD ";
  return request.size() >= kHead.size() && std::memcmp(request.data(), kHead.data(), kHead.size()) == 0;
}

}  // namespace

std::size_t build_http_451(const PacketView& trigger, const Http451Text& text, const Paths& paths,
                           MutableBytes out) noexcept {
  std::array<std::uint8_t, kMaxPage> body_bytes;
  std::array<std::uint8_t, kMaxPage> bytes;
  MessageWriter body(body_bytes.data(), body_bytes.size());
  page(body, text);
  MessageWriter w(bytes.data(), bytes.size());
  w.text("HTTP/1.1 451 Unavailable For Legal Reasons\r\n");
  if (safe_in_link(text.operator_url)) {
    w.text("Link: <");
    w.text(text.operator_url);
    w.text(">; rel=\"blocked-by\"\r\n");
  }
  w.text("Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: ");
  digits(w, body.size(), 1);
  w.text("\r\n\r\n");
  if (!is_head(trigger.payload_bytes())) w.bytes({body_bytes.data(), body.size()});
  if (!w.ok() || !body.ok()) return 0;
  return build_last_segment(trigger, {bytes.data(), w.size()}, paths, out);
}

}  // namespace sluice
