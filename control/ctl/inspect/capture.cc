#include "control/ctl/inspect/capture.h"

#include <pcap/pcap.h>

#include <array>
#include <cstdio>

namespace sluice {

void Capture::Close::operator()(pcap* handle) const noexcept {
  pcap_close(handle);
}

Result<Capture, std::string> Capture::open(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap* handle = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data());
  if (handle == nullptr) return std::unexpected(std::string(error.data()));
  return Capture(handle);
}

std::optional<LinkType> Capture::link() const noexcept {
  switch (pcap_datalink(handle_.get())) {
    case DLT_EN10MB: return LinkType::Ethernet;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6: return LinkType::RawIp;
    case DLT_NULL:
    case DLT_LOOP: return LinkType::Null;
    case DLT_LINUX_SLL: return LinkType::LinuxCooked;
    case DLT_LINUX_SLL2: return LinkType::LinuxCooked2;
    default: return std::nullopt;
  }
}

std::string Capture::link_name() const {
  const int link = pcap_datalink(handle_.get());
  const char* name = pcap_datalink_val_to_name(link);
  return name != nullptr ? name : std::to_string(link);
}

Capture::Next Capture::next(CapturedFrame& out) {
  pcap_pkthdr* header = nullptr;
  const std::uint8_t* data = nullptr;
  switch (pcap_next_ex(handle_.get(), &header, &data)) {
    case 1:
      out.bytes = {data, header->caplen};
      out.seconds = header->ts.tv_sec;
      out.nanoseconds = static_cast<std::uint32_t>(header->ts.tv_usec);  // nanoseconds, as asked for
      return Next::Frame;
    case PCAP_ERROR_BREAK: return Next::End;
    default: return trouble().find("truncated") != std::string::npos ? Next::Cut : Next::Broken;
  }
}

std::string Capture::trouble() const {
  return pcap_geterr(handle_.get());
}

}  // namespace sluice
