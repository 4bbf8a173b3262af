// A row of segments of eight streams, each told by four bytes: how (bits 0..2: stream; 3: a SYN instead; 4: the
// server's SYN and ACK instead; 5: a new burst begins; 6..7: seconds that pass), where in the script of its stream it
// begins (two bytes; each script is one or more messages of a protocol), length (times eight). The last bytes of the
// input, where there are any, are laid over the first script. Whatever comes: memory stays at its bound, none of it is
// lost, names are canonical, and a frame is never changed.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/filter/tcp_names.h"
#include "dataplane/packet/parse.h"
#include "tests/support/allocations.h"
#include "tests/support/client_stream.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr TcpNames::Limits kLimits{
    .young_flows = 8, .given_names = 64, .half = {.flows = 4, .bytes_per_flow = 8 << 10, .bytes_total = 16 << 10}};

void must(bool condition) {
  if (!condition) std::abort();
}

struct Script {
  std::uint16_t port;
  Buffer bytes;
};

std::vector<Script> make_scripts() {
  const auto hello = [](std::string_view name) { return tls_client_hello(name, 1500); };
  const auto get = [](std::string_view host) {
    return text_bytes("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\nContent-Length: 9\r\n\r\n123456789");
  };
  const Buffer connect = text_bytes("CONNECT c.example:443 HTTP/1.1\r\n\r\n");
  return {{443, hello("a.example")},
          {443, joined({hello("a.example"), {20, 3, 3, 0, 1, 1}, hello("a.example")})},
          {80, joined({get("a.example"), get("b.example"), get("c.example")})},
          {80, joined({connect, hello("b.example")})},
          {25, joined({text_bytes("EHLO x\r\nSTARTTLS\r\n"), hello("c.example")})},
          {53, joined({dns_over_tcp("a.example"), dns_over_tcp("b.example"), dns_over_tcp("a.example")})},
          {53, hello("b.example")},
          {22, joined({text_bytes("SSH-2.0-x\r\n"), Buffer(3000, 'x'), hello("c.example")})}};
}

class Run {
 public:
  Run(std::vector<Script> scripts, FoundNames& found)
      : scripts_(std::move(scripts)), names_(kLimits), memory_bytes_(names_.half().memory_bytes()), found_(found) {
    found_.clear();
  }

  void step(const std::uint8_t* code) {
    const unsigned stream = code[0] & 7;
    now_s_ += code[0] >> 6;
    if ((code[0] & 32) != 0) found_.clear();
    const Script& script = scripts_[stream];
    Endpoints ends;
    ends.src_port = static_cast<std::uint16_t>(40000 + stream);
    ends.dst_port = script.port;
    const std::uint32_t isn = 0xfffffff0U + stream;
    Segment s{.seq = isn, .ack = 0, .flags = 2, .options = {}, .payload = {}};
    if ((code[0] & 16) != 0) {
      s = {.seq = 4999, .ack = isn + 1, .flags = 0x12, .options = {}, .payload = {}};
      return feed(tcp_frame(ends.reversed(), s), true);
    }
    if ((code[0] & 8) == 0) {
      const std::size_t at = load_be16(code + 1) % script.bytes.size();
      const std::size_t n = std::min<std::size_t>(1 + code[3] * std::size_t{8}, script.bytes.size() - at);
      s = {.seq = isn + 1 + static_cast<std::uint32_t>(at), .options = {}, .payload = {}};
      put(s.payload, Bytes(script.bytes).subspan(at, n));
    }
    feed(tcp_frame(ends, s), false);
  }

 private:
  void feed(const Buffer& frame, bool server) {
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[frame.size()]);
    std::memcpy(exact.get(), frame.data(), frame.size());
    PacketView view;
    parse_packet({exact.get(), frame.size()}, LinkType::Ethernet, view);
    const FlowKey key = flow_key(view, server ? Sender::Server : Sender::Client);
    const std::uint64_t hash = flow_hash(key, 1);
    if (server) return names_.answer(hash, view, now_s_);
    if ((view.tcp_flags & kSyn) != 0) (void)names_.start(key, hash, view, now_s_);
    if (found_.size() + kMaxNamesPerFrame > kMaxNamesPerBurst) found_.clear();
    const std::size_t before = found_.size();
    const std::uint64_t allocated = allocations();
    if (view.payload_len > 0) (void)names_.read(key, hash, view, now_s_, frame_++ % kMaxBurst, found_);
    must(allocations() == allocated);
    for (std::size_t i = before; i < found_.size(); ++i) check_name(found_[i].name.text());
    must(std::memcmp(exact.get(), frame.data(), frame.size()) == 0);
    must(names_.half().open_flows() <= 4 && names_.half().free_chunks() <= 8);
    must(names_.half().memory_bytes() == memory_bytes_);
    if (names_.half().empty()) must(names_.half().free_chunks() == 8);
  }
  static void check_name(std::string_view name) {
    must(!name.empty() && name.size() <= WireName::kMaxBytes);
    for (const char c : name) must(c == '.' || kCanonicalByte[static_cast<unsigned char>(c)] == c);
  }

  std::vector<Script> scripts_;
  TcpNames names_;
  std::size_t memory_bytes_;
  FoundNames& found_;
  std::uint32_t now_s_ = 1;
  std::size_t frame_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Script> scripts = make_scripts();
  static FoundNames found;  // large
  if (size < 1) return 0;
  std::vector<Script> these = scripts;
  const std::size_t steps = std::min<std::size_t>(data[0], (size - 1) / 4);
  const Bytes laid_over = Bytes(data, size).subspan(1 + steps * 4);
  Buffer& first = these[0].bytes;
  std::copy_n(laid_over.begin(), std::min(laid_over.size(), first.size()), first.begin());
  const auto run = std::make_unique<Run>(std::move(these), found);
  for (std::size_t i = 0; i < steps; ++i) run->step(data + 1 + i * 4);
  return 0;
}
