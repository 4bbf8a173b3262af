#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/base/cause.h"
#include "dataplane/reply/paths.h"

namespace sluice {

enum class Mode : std::uint8_t {
  Observe,  ///< verdicts are counted, nothing is dropped or answered
  Enforce,
};
enum class DnsAction : std::uint8_t { Nodata, Nxdomain, Refused, Sinkhole, Drop };
enum class TcpAction : std::uint8_t {
  Reset,  ///< RST to the client and to the server
  Alert,  ///< TLS: fatal unrecognized_name, then FIN, to the client; RST to the server
  Drop,
};

struct Prefix {
  std::array<std::uint8_t, 16> address{};  ///< network order; IPv4 in the first four bytes
  std::uint8_t bits = 0;
  bool ipv6 = false;
  [[nodiscard]] bool contains(Bytes addr) const noexcept;  ///< addr: 4 or 16 bytes
};

/// Ports on which DNS is read, over UDP and TCP.
class DnsPorts {
 public:
  static constexpr std::size_t kMost = 8;
  /// False where there are kMost already.
  bool add(std::uint16_t port) noexcept {
    if (count_ == kMost) return false;
    ports_[count_++] = port;
    return true;
  }
  void clear() noexcept { count_ = 0; }
  [[nodiscard]] bool contains(std::uint16_t port) const noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      if (ports_[i] == port) return true;
    }
    return false;
  }

 private:
  std::array<std::uint16_t, kMost> ports_{53};
  std::size_t count_ = 1;
};

/// What the operator decided: fixed for the life of a worker; the data plane takes it from its command line.
struct Policy {
  Mode mode = Mode::Observe;
  DnsAction dns = DnsAction::Nodata;
  TcpAction tls = TcpAction::Reset;
  TcpAction http = TcpAction::Alert;
  DnsPorts dns_ports;
  std::uint32_t dns_ttl_s = 60;  ///< 30..60: TTL and MINIMUM of the SOA
  std::array<std::uint8_t, 4> sinkhole4{};
  std::array<std::uint8_t, 16> sinkhole6{};
  std::uint16_t structured_error_option = 0;  ///< EDNS code point of structured DNS errors; 0: never sent
  std::string operator_url;                   ///< who blocks, in a 451 (RFC 7725 4); empty: not said
  std::uint32_t tombstone_s = 60;
  /// Names are read from both sides and every address may be a client: for captures, which know no sides.
  /// On the wire only packets from Side::Subscriber are read; those from Side::Internet are held against tombstones.
  bool read_both_sides = false;
  /// Frames are copies (mirror mode): nothing can be dropped, only answered and reset.
  bool copies = false;
  Paths paths;  ///< how replies find their way
  /// Where the start of a TCP stream was not seen (the gateway came up later, or another path was taken), a segment
  /// that begins like a ClientHello, a request or a query is read. False: it is not, and counted as Cause::NoStartSeen.
  bool read_unstarted = true;
  std::vector<Prefix> subscribers;  ///< the only addresses that are ever answered
  /// A DNS answer may outweigh its query by this many bytes per source prefix (/24, /48) beyond what that prefix sent
  /// in DNS queries; refilled at `credit_bytes_per_s`. Past that it is cut to the size of its query. 0, 0: strict.
  std::uint32_t credit_bytes = 4096;
  std::uint32_t credit_bytes_per_s = 64;
  std::array<Row, kCauseCount> rows = default_rows();

  [[nodiscard]] static constexpr std::array<Row, kCauseCount> default_rows() noexcept {
    std::array<Row, kCauseCount> rows{};
    for (std::size_t i = 0; i < kCauseCount; ++i) rows[i] = kCauses[i].row;
    return rows;
  }
  [[nodiscard]] bool is_subscriber(Bytes addr) const noexcept;
};

}  // namespace sluice
