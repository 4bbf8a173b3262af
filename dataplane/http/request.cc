#include "dataplane/http/request.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice {
namespace {

constexpr std::string_view kBlanks = " \t";

constexpr bool is_alnum(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// tchar of RFC 9110 5.6.2.
constexpr std::array<bool, 256> kTokenByte = [] {
  std::array<bool, 256> token{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) token[static_cast<unsigned char>(c)] = true;
  for (unsigned c = 0; c < 128; ++c) token[c] = token[c] || is_alnum(static_cast<char>(c));
  return token;
}();

constexpr bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// `word` is lower case.
constexpr bool equals_any_case(std::string_view text, std::string_view word) noexcept {
  return std::ranges::equal(text, word, [](char a, char b) { return lower(a) == b; });
}

constexpr std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Hands out lines without their CR LF or LF.
class Lines {
 public:
  explicit Lines(std::string_view text, std::size_t at) noexcept : text_(text), at_(at) {}

  /// False where the next line is not complete.
  bool next(std::string_view& line) noexcept {
    const auto end = text_.find('\n', at_);
    if (end == std::string_view::npos) return false;
    line = text_.substr(at_, end - at_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at_ = end + 1;
    return true;
  }
  [[nodiscard]] std::size_t offset() const noexcept { return at_; }

 private:
  std::string_view text_;
  std::size_t at_;
};

struct RequestLine {
  std::string_view method, target, version;
};

/// What the bytes up to the end of the method say: None where they are a token and a blank.
Cause check_method(std::string_view rest) noexcept {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (kBlanks.find(rest[i]) != std::string_view::npos) return i == 0 ? Cause::HttpNotRequest : Cause::None;
    if (i == kMaxMethodBytes || !kTokenByte[static_cast<unsigned char>(rest[i])]) return Cause::HttpNotRequest;
  }
  return Cause::HttpIncomplete;
}

bool has_control(std::string_view text) noexcept {
  return std::ranges::any_of(text, is_control);
}

/// A line that was cut: still a request line as far as it goes?
Cause check_cut_line(std::string_view rest) noexcept {
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return has_control(rest) ? Cause::HttpNotRequest : Cause::HttpIncomplete;
}

/// method SP target SP version; blanks inside the target are the client's own doing and stay in it.
Cause split_request_line(std::string_view line, RequestLine& out) noexcept {
  if (has_control(line)) return Cause::HttpNotRequest;
  line = trim(line);
  const auto method_end = line.find_first_of(kBlanks);
  const auto version_at = line.find_last_of(kBlanks);
  if (version_at == std::string_view::npos) return Cause::HttpNotRequest;
  out.method = line.substr(0, method_end);
  out.version = line.substr(version_at + 1);
  if (version_at > method_end) out.target = trim(line.substr(method_end, version_at - method_end));
  if (out.target.empty() || out.version.size() < 5 || !equals_any_case(out.version.substr(0, 5), "http/")) {
    return Cause::HttpNotRequest;
  }
  return out.version.substr(5).starts_with("1.") ? Cause::None : Cause::HttpBadRequest;
}

/// The authority of an absolute-form target (scheme "://" authority), empty where it has another form.
std::string_view absolute_authority(std::string_view target) noexcept {
  const auto colon = target.find(':');
  if (colon == std::string_view::npos || colon == 0 || !target.substr(colon).starts_with("://")) return {};
  const auto scheme = target.substr(0, colon);
  if (!std::ranges::all_of(scheme, [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; })) return {};
  const auto rest = target.substr(colon + 3);
  return rest.substr(0, rest.find_first_of("/?#\\ \t"));
}

/// Takes user information and port off; what is no name is left for assign_text_name to say.
Cause assign_authority(WireName& out, std::string_view authority) noexcept {
  out.length = 0;
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  if (authority.empty()) return Cause::HttpNoHost;
  if (authority.front() == '[') return Cause::NameIsAddress;
  const auto host = authority.substr(0, authority.find(':'));
  const bool one_colon = authority.find(':') == authority.rfind(':');
  if (!one_colon && host.find('.') == std::string_view::npos) return Cause::NameIsAddress;  // IPv6 without brackets
  return host.empty() ? Cause::HttpNoHost : assign_text_name(out, host);
}

struct Field {
  std::string_view name, value;
};

Field split_field(std::string_view line) noexcept {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  return {trim(line.substr(0, colon)), trim(line.substr(colon + 1))};
}

std::uint32_t read_length(std::string_view digits) noexcept {
  constexpr std::uint32_t kMost = 1 << 30;
  std::uint64_t length = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return HttpRequest::kUnknownBody;
    length = length * 10 + static_cast<unsigned>(c - '0');
    if (length > kMost) return HttpRequest::kUnknownBody;
  }
  return static_cast<std::uint32_t>(length);
}

/// Content-Length and Transfer-Encoding, of which the second stands over the first (RFC 9112 6.3).
void note_body(const Field& field, HttpRequest& out) noexcept {
  if (equals_any_case(field.name, "transfer-encoding")) {
    out.body_bytes = HttpRequest::kUnknownBody;
  } else if (out.body_bytes != HttpRequest::kUnknownBody && equals_any_case(field.name, "content-length")) {
    out.body_bytes = read_length(field.value);
  }
}

/// Reads field lines up to the first Host: what it says of the host, or HttpIncomplete, or why there is none.
Cause find_host(Lines& lines, HttpRequest& out) noexcept {
  std::string_view line;
  while (lines.next(line)) {
    if (line.empty()) {
      out.head_bytes = static_cast<std::uint32_t>(lines.offset());
      return Cause::HttpNoHost;
    }
    if (kBlanks.find(line.front()) != std::string_view::npos) return Cause::HttpBadRequest;
    const Field field = split_field(line);
    if (equals_any_case(field.name, "host")) return assign_authority(out.host, field.value);
    note_body(field, out);
  }
  return Cause::HttpIncomplete;
}

void find_end(Lines& lines, HttpRequest& out) noexcept {
  std::string_view line;
  while (out.head_bytes == 0 && lines.next(line)) {
    if (line.empty()) out.head_bytes = static_cast<std::uint32_t>(lines.offset());
    note_body(split_field(line), out);
  }
}

}  // namespace

Cause read_request(Bytes stream, HttpRequest& out) noexcept {
  out.host.length = 0;
  out.connect = false;
  out.head_bytes = out.body_bytes = 0;
  const std::string_view text = text_of(stream);
  const auto start = std::min(text.find_first_not_of("\r\n"), text.size());  // RFC 9112 2.2
  out.line_at = static_cast<std::uint32_t>(start);
  if (const Cause cause = check_method(text.substr(start)); cause != Cause::None) return cause;

  Lines lines(text, start);
  std::string_view line;
  if (!lines.next(line)) return check_cut_line(text.substr(start));
  RequestLine request;
  if (const Cause cause = split_request_line(line, request); cause != Cause::None) return cause;

  out.connect = equals_any_case(request.method, "connect");
  const auto authority = out.connect ? request.target : absolute_authority(request.target);
  const Cause cause = authority.empty() ? find_host(lines, out) : assign_authority(out.host, authority);
  if (cause != Cause::HttpIncomplete && cause != Cause::HttpBadRequest) find_end(lines, out);
  return cause;
}

}  // namespace sluice
