#pragma once

#include <cstdint>

#include "dataplane/base/wire_name.h"
#include "dataplane/flow/flow_key.h"
#include "dataplane/flow/half.h"
#include "dataplane/flow/young.h"
#include "dataplane/http/request.h"
#include "dataplane/packet/packet_view.h"
#include "dataplane/tls/client_hello.h"
#include "rules/model/order.h"

namespace sluice {

/// Reads names at the start of TCP streams: the server name of a ClientHello, the host of an HTTP request, on any port.
/// A message whole in one segment is read wherever a segment begins with it (so after STARTTLS, CONNECT and on kept
/// connections); one that is spread over segments is put together from copies, in any order, where its start is
/// known: by the SYN, or because a segment begins like one.
class TcpNames {
 public:
  struct Limits {
    std::uint32_t young_flows;
    HalfRead::Limits half;
  };
  struct Read {
    Cause cause = Cause::None;  ///< None with !found: nothing there to be read
    bool found = false;
    bool repeated = false;        ///< this very message was read before: sent again
    bool first = false;           ///< of the connection: no response can be outstanding
    bool handshake_seen = false;  ///< in full, both ways: the client is where it says it is
    Method method = Method::Sni;
    const WireName* name = nullptr;  ///< until the next call
  };

  explicit TcpNames(const Limits& limits) : young_(limits.young_flows), half_(limits.half) {}

  /// A client's SYN. YoungTableFull or None.
  Cause start(const FlowKey& key, std::uint64_t hash, const PacketView& view, std::uint32_t now_s) noexcept;
  /// A server's SYN and ACK; `key` and `hash` are those of the client's direction.
  void answer(std::uint64_t hash, const PacketView& view, std::uint32_t now_s) noexcept;
  /// A client's segment with payload.
  [[nodiscard]] Read read(const FlowKey& key, std::uint64_t hash, const PacketView& view, std::uint32_t now_s) noexcept;

  void prefetch(std::uint64_t hash) const noexcept { young_.prefetch(hash); }

 private:
  struct Place {  ///< where a segment stands
    const FlowKey& key;
    std::uint64_t hash;
    std::uint32_t seq;  ///< of the first payload byte
    Bytes payload;
    std::uint32_t now_s;
  };
  Read read_stream(Bytes stream, bool at_start) noexcept;
  Read whole(const Place& at, Read read, std::uint32_t position) noexcept;
  Read go_on(const Place& at, std::uint32_t handle, YoungFlows::Flow* young) noexcept;
  Read keep(const Place& at, std::uint32_t base, Cause cause) noexcept;

  YoungFlows young_;
  HalfRead half_;
  ClientHello hello_;
  HttpRequest request_;
};

}  // namespace sluice
