// Prints what the parsers make of each frame of a capture: cause, protocol, addresses, ports, payload bytes and name,
// separated by tabs. Fragments are put together.
#include <arpa/inet.h>
#include <pcap/pcap.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "dataplane/dns/name.h"
#include "dataplane/dns/query.h"
#include "dataplane/packet/fragments.h"
#include "dataplane/packet/parse.h"
#include "dataplane/tls/client_hello.h"

using namespace sluice;

namespace {

LinkType link_type(int datalink) {
  switch (datalink) {
    case DLT_NULL:
    case DLT_LOOP: return LinkType::Null;
    case DLT_RAW: return LinkType::RawIp;
    case DLT_LINUX_SLL: return LinkType::LinuxCooked;
    case DLT_LINUX_SLL2: return LinkType::LinuxCooked2;
    default: return LinkType::Ethernet;
  }
}

std::string address(Bytes bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(bytes.size() == 16 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
}

std::string name_in(const PacketView& view) {
  if (view.proto == IpProto::Udp && view.dst_port == 53) {
    static DnsQuery query;
    std::array<char, kMaxDnsNameText> text;
    if (parse_dns_query(view.payload_bytes(), 0, query) != Cause::None || query.question_count == 0) return "-";
    return {text.data(), write_dns_name(view.payload_bytes(), query.questions[0].wire_offset, text)};
  }
  static ClientHello hello;
  if (view.proto != IpProto::Tcp || read_client_hello(view.payload_bytes(), hello) != Cause::None) return "-";
  return std::string(hello.name.text());
}

void print(const PacketView& view) {
  if (view.cause != Cause::None) {
    std::printf("%.*s\n", static_cast<int>(info(view.cause).name.size()), info(view.cause).name.data());
    return;
  }
  std::printf("none\t%u\t%s\t%u\t%s\t%u\t%u\t%s\n", static_cast<unsigned>(view.proto), address(view.src()).c_str(),
              view.src_port, address(view.dst()).c_str(), view.dst_port, view.payload_len, name_in(view).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* capture = argc == 2 ? pcap_open_offline(argv[1], error.data()) : nullptr;
  if (capture == nullptr) return std::fprintf(stderr, "usage: dump_packets FILE.pcap %s\n", error.data()), 2;
  const LinkType link = link_type(pcap_datalink(capture));
  Fragments fragments({}, 1);
  const std::unique_ptr<std::uint8_t[]> buffer(new std::uint8_t[fragments.buffer_bytes()]);
  pcap_pkthdr* header = nullptr;
  const std::uint8_t* data = nullptr;
  while (pcap_next_ex(capture, &header, &data) == 1) {
    PacketView view;
    parse_packet({data, header->caplen}, link, view);
    if (view.cause == Cause::Fragment) {
      PacketView whole;
      fragments.add(view, 1, {buffer.get(), fragments.buffer_bytes()}, whole);
      view = whole;
    }
    print(view);
  }
  pcap_close(capture);
  return 0;
}
