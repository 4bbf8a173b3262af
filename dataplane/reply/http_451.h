#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/base/bytes.h"
#include "dataplane/packet/packet_view.h"
#include "dataplane/reply/paths.h"

namespace sluice {

/// What the page says. Views are read during the call only.
struct Http451Text {
  std::string_view operator_url;  ///< who blocks: `Link: …; rel="blocked-by"` (RFC 7725 4); empty: no Link
  std::string_view order_id, number, authority, law, reason, appeal_url;
  std::int64_t expires = 0;  ///< Unix seconds
};

/// One segment to the client: "451 Unavailable For Legal Reasons" (RFC 7725 3) in plain text, not to be stored, then
/// FIN. No body in answer to HEAD. It is larger than most requests: send it only where the client's handshake was seen
/// in full, and only as the answer to the first request of a connection. Gives the frame's length, or 0 where it does
/// not fit or the trigger has no ACK.
[[nodiscard]] std::size_t build_http_451(const PacketView& trigger, const Http451Text& text, const Paths& paths,
                                         MutableBytes out) noexcept;

}  // namespace sluice
