#include "control/ctl/inspect/capture.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "control/ctl/inspect/pcapng.h"

namespace sluice {
namespace {

constexpr int kLinktypeRaw = 101;  // in files; DLT_RAW in libpcap differs between systems

/// A pcap file as libpcap reads it. (Its reader of pcapng refuses interfaces that differ.)
class PcapFile final : public Capture {
 public:
  explicit PcapFile(pcap_t* handle) noexcept : handle_(handle) {}

  Next next(CapturedFrame& out) override {
    pcap_pkthdr* header = nullptr;
    const std::uint8_t* data = nullptr;
    switch (pcap_next_ex(handle_.get(), &header, &data)) {
      case 1:
        out.bytes = {data, header->caplen};
        out.seconds = header->ts.tv_sec;
        out.nanoseconds = static_cast<std::uint32_t>(header->ts.tv_usec);  // nanoseconds, as asked for
        out.link = pcap_datalink(handle_.get());
        return Next::Frame;
      case PCAP_ERROR_BREAK: return Next::End;
      default: return trouble().find("truncated") != std::string::npos ? Next::Cut : Next::Broken;
    }
  }
  [[nodiscard]] std::string trouble() const override { return pcap_geterr(handle_.get()); }

 private:
  struct Close {
    void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
  };
  std::unique_ptr<pcap_t, Close> handle_;
};

/// The first bytes of a file, which are left to be read again. (glibc takes back any bytes that it gave out last.)
std::array<std::uint8_t, 4> peek(std::FILE* file) {
  std::array<std::uint8_t, 4> bytes{};
  const std::size_t n = std::fread(bytes.data(), 1, bytes.size(), file);
  for (std::size_t i = n; i > 0; --i) std::ungetc(bytes[i - 1], file);
  return bytes;
}

}  // namespace

std::optional<LinkType> link_type_of(int link) noexcept {
  switch (link) {
    case DLT_EN10MB: return LinkType::Ethernet;
    case DLT_RAW:
    case kLinktypeRaw:
    case DLT_IPV4:
    case DLT_IPV6: return LinkType::RawIp;
    case DLT_NULL:
    case DLT_LOOP: return LinkType::Null;
    case DLT_LINUX_SLL: return LinkType::LinuxCooked;
    case DLT_LINUX_SLL2: return LinkType::LinuxCooked2;
    default: return std::nullopt;
  }
}

std::string link_name(int link) {
  const char* name = pcap_datalink_val_to_name(link);
  return name != nullptr ? name : std::to_string(link);
}

Result<std::unique_ptr<Capture>, std::string> Capture::open(const std::string& path) {
  File file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (!file) return std::unexpected(std::string(std::strerror(errno)));
  if (std::ranges::equal(peek(file.get()), kPcapngMagic)) return std::make_unique<Pcapng>(std::move(file));

  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* handle = pcap_fopen_offline_with_tstamp_precision(file.get(), PCAP_TSTAMP_PRECISION_NANO, error.data());
  if (handle == nullptr) return std::unexpected(std::string(error.data()));
  (void)file.release();  // libpcap closes it
  return std::make_unique<PcapFile>(handle);
}

}  // namespace sluice
