#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/base/bytes.h"
#include "dataplane/base/result.h"
#include "dataplane/packet/packet_view.h"

struct pcap;

namespace sluice {

struct CapturedFrame {
  Bytes bytes;               ///< until the next call
  std::int64_t seconds = 0;  ///< since 1970
  std::uint32_t nanoseconds = 0;
};

/// A capture file as libpcap reads it: pcap or pcapng, of micro- or nanoseconds.
class Capture {
 public:
  /// "-" is standard input. Else the reason why it cannot be read.
  static Result<Capture, std::string> open(const std::string& path);

  /// How frames begin; nothing for a link type that no name is read from.
  [[nodiscard]] std::optional<LinkType> link() const noexcept;
  [[nodiscard]] std::string link_name() const;

  enum class Next : std::uint8_t {
    Frame,
    End,
    Cut,     ///< the file ends inside a frame
    Broken,  ///< what follows is no frame
  };
  Next next(CapturedFrame& out);
  /// What libpcap says of Cut and Broken.
  [[nodiscard]] std::string trouble() const;

 private:
  struct Close {
    void operator()(pcap* handle) const noexcept;
  };
  explicit Capture(pcap* handle) noexcept : handle_(handle) {}
  std::unique_ptr<pcap, Close> handle_;
};

}  // namespace sluice
