#pragma once

#include <cstdint>

#include "dataplane/base/bytes.h"
#include "dataplane/base/cause.h"
#include "dataplane/base/wire_name.h"

namespace sluice {

/// Longest method token that is taken for a request; registered ones end at 17 (UPDATEREDIRECTREF, IANA).
inline constexpr std::size_t kMaxMethodBytes = 24;

/// What a request head says of where it goes. RFC 9112.
struct HttpRequest {
  WireName host;
  bool connect = false;          ///< CONNECT: what follows the head is another protocol (RFC 9110 9.3.6)
  std::uint32_t line_at = 0;     ///< where the request line begins, behind empty lines
  std::uint32_t head_bytes = 0;  ///< bytes up to and with the empty line; 0 while the head is not complete
  static constexpr std::uint32_t kUnknownBody = 0xffffffff;
  std::uint32_t body_bytes = 0;  ///< behind a complete head (RFC 9112 6); kUnknownBody: chunked, or over 1 GiB
};

/// Reads the host of the request that `stream` begins with; `stream` may end anywhere.
///
/// The host is that of the request line where it has one (absolute-form, RFC 9112 3.2.2; authority-form of CONNECT,
/// 3.2.3), else of the first Host line; port and user information are cut off. It is given as soon as its line is
/// complete. A reader of hostile clients takes more than a server should: bare LF, blanks around words, any case,
/// empty lines before the request, lines that are no fields. Only line folding (RFC 9112 5.2) is refused, because
/// what it would mean differs between servers.
///
/// None; HttpIncomplete (cut before the answer); HttpNotRequest (within the first bytes where they are binary);
/// HttpBadRequest (not version 1, or folded); HttpNoHost; NameInvalid; NameIsAddress. `host` holds only on None;
/// `connect`,
/// `head_bytes` and `body_bytes` also on the last three.
[[nodiscard]] Cause read_request(Bytes stream, HttpRequest& out) noexcept;

}  // namespace sluice
