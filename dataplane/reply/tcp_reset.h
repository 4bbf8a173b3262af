#pragma once

#include <cstddef>

#include "dataplane/base/bytes.h"
#include "dataplane/packet/packet_view.h"
#include "dataplane/reply/paths.h"

namespace sluice {

// Packets that end a TCP connection in whose client→server direction `trigger` was seen and dropped. All give the
// frame's length, or 0 where none can be made. Neither side acts on a RST whose sequence number it does not expect
// exactly (RFC 5961 3.2), so both are taken from the trigger.

/// RST to the client as the server would send it: sequence number = what the client acknowledged, acknowledging the
/// trigger; where the trigger has no ACK, 0 and an acknowledgement that SYN-SENT accepts (RFC 9293 3.10.7.1).
[[nodiscard]] std::size_t build_reset_to_client(const PacketView& trigger, const Paths& paths,
                                                MutableBytes out) noexcept;

/// RST to the server in place of the trigger: sequence number = the trigger's, which is what the server expects next
/// since everything before it was forwarded. None for a trigger with SYN: the server knows no connection yet. In mirror
/// mode (Paths::injection) the trigger itself reached the server: the sequence number is the one behind it.
[[nodiscard]] std::size_t build_reset_to_server(const PacketView& trigger, const Paths& paths,
                                                MutableBytes out) noexcept;

/// A fatal TLS alert, unrecognized_name (RFC 8446 6.2, RFC 6066 3), with FIN, to the client. The record carries the
/// version that every ClientHello's middlebox-compatible reader accepts (RFC 8446 5.1). None where the trigger has no
/// ACK.
[[nodiscard]] std::size_t build_tls_alert(const PacketView& trigger, const Paths& paths, MutableBytes out) noexcept;

/// `payload` and FIN to the client, acknowledging the trigger, with timestamps where the trigger had them (RFC 7323
/// 3.2). None where the trigger has no ACK or the payload does not fit.
[[nodiscard]] std::size_t build_last_segment(const PacketView& trigger, Bytes payload, const Paths& paths,
                                             MutableBytes out) noexcept;

}  // namespace sluice
