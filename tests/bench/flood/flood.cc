// Floods from spoofed sources through the whole pipeline, while honest clients send handshakes and queries in two
// parts. Prints for each flood and gap between the parts: the share of honest names that were read, by kind; time per
// frame, as a ratio to that of a bare ACK in the same run; how much slower the last tenth of the flood was than the
// first, and the slowest burst in a thousand than the median one. Ends with 1 where memory was allocated, or an honest
// handshake that was seen in full was pushed out by half ClientHellos.
//
//   flood [--scale N] [--rate PACKETS_PER_S]      10 million SYNs, a million of the others, divided by N
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "tests/bench/flood/frames_in_turn.h"
#include "tests/support/allocations.h"
#include "tests/support/pipeline_rig.h"

namespace {

using namespace sluice;
using namespace sluice::test;

struct Options {
  std::uint64_t scale = 1;
  std::uint64_t rate = 1'000'000;  ///< packets a second
};

std::uint64_t cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

std::size_t heap_bytes() {
  const auto m = mallinfo2();
  return m.uordblks + m.hblkhd;
}

/// One pipeline with the limits of the data plane, fed in full bursts.
class Gateway {
 public:
  Gateway() : before_(heap_bytes()), rig_(PipelineRig::enforcing(), PipelineRig::example_feeds(), PipelineLimits{}) {
    table_bytes_ = heap_bytes() - before_;
    burst_.reserve(kMaxBurst);
  }
  void send(const Buffer& frame, Side from = Side::Subscriber) {
    std::memcpy(slots_[burst_.size()].data(), frame.data(), frame.size());
    burst_.push_back({slots_[burst_.size()].data(), static_cast<std::uint32_t>(frame.size()), from});
    if (burst_.size() == kMaxBurst) flush();
  }
  void flush() {
    if (burst_.empty()) return;
    const std::uint64_t allocated = allocations(), began = cpu_ns();
    rig_.pipeline->run(burst_, {rig_.rules.get(), rig_.slots}, rig_.now);
    const auto took_ns = static_cast<std::uint32_t>(cpu_ns() - began);
    allocations_ += allocations() - allocated;
    burst_ns_.push_back(took_ns);
    frames_ += burst_.size();
    for (const NameSeen& seen : rig_.pipeline->names()) names_.emplace_back(seen.name.text());
    burst_.clear();
  }
  void wait_ns(std::uint64_t ns) { rig_.now.mono_ns += ns; }

  std::vector<std::string>& names() { return names_; }
  [[nodiscard]] const std::vector<std::uint32_t>& burst_ns() const { return burst_ns_; }
  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  [[nodiscard]] std::uint64_t allocated() const { return allocations_; }
  [[nodiscard]] std::size_t table_bytes() const { return table_bytes_; }

 private:
  std::size_t before_, table_bytes_ = 0;
  PipelineRig rig_;
  std::array<std::array<std::uint8_t, 2048>, kMaxBurst> slots_;
  std::vector<Frame> burst_;
  std::vector<std::uint32_t> burst_ns_;
  std::vector<std::string> names_;
  std::uint64_t frames_ = 0, allocations_ = 0;
};

/// Nanoseconds of a bare ACK, the least that a frame costs.
double ack_ns() {
  const auto gateway = std::make_unique<Gateway>();
  Endpoints ends;
  ends.dst_port = 443;
  Stamp ack(tcp_frame(ends, {.flags = 0x10, .options = {}, .payload = {}}));
  for (std::uint32_t n = 0; n < 1'000'000; ++n) gateway->send(ack.from(0x0a000000U + n, static_cast<std::uint16_t>(n)));
  std::uint64_t total = 0;
  for (const std::uint32_t ns : gateway->burst_ns()) total += ns;
  return static_cast<double>(total) / static_cast<double>(gateway->frames());
}

/// An honest client under way, and the packet of the flood at which it goes on.
struct UnderWay {
  std::uint64_t due;
  unsigned step;
  Honest client;
};

class Siege {
 public:
  Siege(Flood flood, std::uint64_t packets, std::uint64_t gap)
      : flood_(std::move(flood)), packets_(packets), gap_(gap) {}

  void run(std::uint64_t rate) {
    const std::uint64_t every = std::max<std::uint64_t>(kLeastBetween, packets_ / kHonest);
    for (std::uint64_t n = 0; n < packets_ + 3 * gap_; ++n) {
      const bool storm = n < packets_;
      if (storm && n % every == 0) begin(n);
      while (!under_way_.empty() && under_way_.front().due <= n) go_on();
      if (flood_.kind() != FloodKind::None) gateway_.send(flood_.next());
      gateway_.wait_ns(1'000'000'000 / rate);
    }
    gateway_.flush();
    count();
  }
  [[nodiscard]] double share(HonestKind kind) const {
    const auto k = static_cast<std::size_t>(kind);
    return static_cast<double>(read_[k]) / static_cast<double>(std::max<std::uint64_t>(1, sent_[k]));
  }
  [[nodiscard]] const Gateway& gateway() const { return gateway_; }

 private:
  static constexpr std::uint64_t kHonest = 4000;       ///< clients, at most
  static constexpr std::uint64_t kLeastBetween = 100;  ///< packets of the flood between two of them

  void begin(std::uint64_t now) {
    const auto kind = static_cast<HonestKind>(number_ % kHonestNames.size());
    UnderWay honest{now + gap_, 0, honest_client(kind, ++number_)};
    ++sent_[static_cast<std::size_t>(kind)];
    const bool tcp = kind == HonestKind::Tls || kind == HonestKind::TlsOneWay;
    gateway_.send(tcp ? syn_of(honest.client) : honest.client.parts[0]);
    honest.step = tcp ? 0 : 1;
    under_way_.push_back(std::move(honest));
  }
  void go_on() {
    UnderWay honest = std::move(under_way_.front());
    under_way_.pop_front();
    if (honest.step == 0 && honest.client.kind == HonestKind::Tls) {
      gateway_.send(syn_ack_to(honest.client), Side::Internet);
    }
    gateway_.send(honest.client.parts[honest.step]);
    if (++honest.step == 2) return;
    honest.due += gap_;
    under_way_.push_back(std::move(honest));  // all wait equally long: the front stays the next
  }
  void count() {
    for (const std::string& name : gateway_.names()) {
      const auto number = std::strtoul(name.c_str() + 4, nullptr, 10);
      if (name.starts_with("host")) ++read_[(number - 1) % kHonestNames.size()];
    }
  }

  Flood flood_;
  std::uint64_t packets_, gap_;
  Gateway gateway_;
  std::deque<UnderWay> under_way_;
  std::uint32_t number_ = 0;
  std::array<std::uint64_t, 4> sent_{}, read_{};
};

double mean(const std::vector<std::uint32_t>& of, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += of[i];
  return sum / static_cast<double>(std::max<std::size_t>(1, to - from));
}

bool report(const Siege& siege, FloodKind kind, std::uint64_t packets, std::uint64_t gap_us, double ack) {
  const Gateway& g = siege.gateway();
  const std::size_t bursts = g.burst_ns().size();
  const double per_frame =
      mean(g.burst_ns(), 0, bursts) * static_cast<double>(bursts) / static_cast<double>(g.frames());
  const std::size_t tenth = std::max<std::size_t>(1, bursts / 10);
  const double growth = mean(g.burst_ns(), bursts - tenth, bursts) / mean(g.burst_ns(), 0, tenth);
  std::vector<std::uint32_t> sorted = g.burst_ns();
  std::ranges::sort(sorted);
  std::printf("%-24s %9llu %7.1f ms", kFloodNames[static_cast<std::size_t>(kind)],
              static_cast<unsigned long long>(packets), static_cast<double>(gap_us) / 1000);
  for (std::size_t k = 0; k < kHonestNames.size(); ++k)
    std::printf(" %8.2f", siege.share(HonestKind{static_cast<std::uint8_t>(k)}) * 100);
  std::printf(" %8.1f %8.2f %8.2f %6zu MB\n", per_frame / ack, growth,
              static_cast<double>(sorted[bursts - 1 - bursts / 1000]) / sorted[bursts / 2], g.table_bytes() >> 20);
  if (g.allocated() != 0)
    return std::printf("memory was allocated %llu times\n", static_cast<unsigned long long>(g.allocated())), false;
  const bool halves = kind == FloodKind::HalfHellos || kind == FloodKind::None;
  if (halves && siege.share(HonestKind::Tls) < 1)
    return std::printf("a handshake that was seen was pushed out\n"), false;
  return true;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (value == 0 || (flag != "--scale" && flag != "--rate")) return false;
    (flag == "--scale" ? options.scale : options.rate) = value;
  }
  return argc % 2 == 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) return std::fprintf(stderr, "usage: flood [--scale N] [--rate PACKETS_PER_S]\n"), 2;
  const double ack = ack_ns();
  std::printf("a bare ACK: %.0f ns; %llu packets of the flood a second\n\n", ack,
              static_cast<unsigned long long>(options.rate));
  std::printf("%-24s %9s %10s %8s %8s %8s %8s %8s %8s %8s %9s\n", "flood", "packets", "gap", "TLS %", "one way", "QUIC",
              "DNS frag", "x ACK", "growth", "p99.9", "tables");
  bool fine = true;
  for (std::uint8_t k = 0; k < kFloodNames.size(); ++k) {
    const FloodKind kind{k};
    const std::uint64_t packets = (kind == FloodKind::Syns ? 10'000'000 : 1'000'000) / options.scale;
    for (const std::uint64_t gap_us : {100U, 1'000U, 20'000U}) {
      const auto siege = std::make_unique<Siege>(Flood(kind), packets, options.rate * gap_us / 1'000'000);
      siege->run(options.rate);
      fine = report(*siege, kind, packets, gap_us, ack) && fine;
    }
  }
  return fine ? 0 : 1;
}
