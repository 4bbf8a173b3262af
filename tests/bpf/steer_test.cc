// Packets and expected verdicts of bpf/steer.bpf.c, run by the kernel itself (BPF_PROG_TEST_RUN).
#define CATCH_CONFIG_RUNNER
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sched.h>
#include <steer.skel.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpf/abi.h"

namespace {

constexpr std::uint64_t kMaxAge = 50'000'000;
constexpr std::uint32_t kQueues = 4;
constexpr int kSkipped = 77;

std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

struct DestroySteer {
  void operator()(steer* skeleton) const { steer__destroy(skeleton); }
};

/// A loaded program with empty maps, and what a test may put into them.
class Bench {
 public:
  Bench() : steer_(steer__open_and_load()), socket_(::socket(AF_XDP, SOCK_RAW, 0)) {
    REQUIRE(steer_);
    REQUIRE(socket_ >= 0);
    configure({.heartbeat_max_age_ns = kMaxAge, .bypass = 0, .fallback = SLUICE_FALLBACK_FORWARD});
  }
  ~Bench() { ::close(socket_); }

  void configure(const sluice_wire_config& config) { put(steer_->maps.config, 0, &config); }
  void set_peer() {
    const std::uint32_t ifindex = if_nametoindex("steer1");
    put(steer_->maps.peer, 0, &ifindex);
  }
  void set_socket(std::uint32_t queue) { put(steer_->maps.xsks_map, queue, &socket_); }
  void set_heartbeat(std::uint32_t queue, std::uint64_t at_ns) { put(steer_->maps.heartbeat, queue, &at_ns); }

  int run(std::vector<std::uint8_t> packet, std::uint32_t queue) {
    xdp_md context{};
    context.data_end = static_cast<std::uint32_t>(packet.size());
    context.ingress_ifindex = if_nametoindex("steer0");
    context.rx_queue_index = queue;
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = packet.data();
    options.data_size_in = static_cast<std::uint32_t>(packet.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = 1;
    REQUIRE(bpf_prog_test_run_opts(bpf_program__fd(steer_->progs.xsk_def_prog), &options) == 0);
    return static_cast<int>(options.retval);
  }

  std::array<sluice_wire_count, SLUICE_WIRE_COUNTERS> counters() {
    std::array<sluice_wire_count, SLUICE_WIRE_COUNTERS> sums{};
    std::vector<sluice_wire_count> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    for (std::uint32_t i = 0; i < SLUICE_WIRE_COUNTERS; ++i) {
      REQUIRE(bpf_map_lookup_elem(bpf_map__fd(steer_->maps.counters), &i, per_cpu.data()) == 0);
      for (const auto& count : per_cpu) {
        sums[i].pkts += count.pkts;
        sums[i].bytes += count.bytes;
      }
    }
    return sums;
  }

 private:
  void put(bpf_map* map, std::uint32_t key, const void* value) {
    REQUIRE(bpf_map_update_elem(bpf_map__fd(map), &key, value, BPF_ANY) == 0);
  }

  std::unique_ptr<steer, DestroySteer> steer_;
  int socket_;
};

enum class Beat { Never, Fresh, Old, JustAhead, FarAhead };

std::uint64_t beat_ns(Beat beat) {
  const std::uint64_t now = monotonic_ns();
  switch (beat) {
    case Beat::Never: return 0;
    case Beat::Fresh: return now;
    case Beat::Old: return now - kMaxAge - 1;
    case Beat::JustAhead: return now + kMaxAge / 2;
    case Beat::FarAhead: return now + 1000 * kMaxAge;
  }
  return 0;
}

struct Situation {
  const char* what;
  bool socket;
  Beat beat;
  bool bypass;
  sluice_wire_fallback fallback;
  bool peer;
  int verdict;
  std::vector<sluice_wire_counter> counted;  ///< each by one packet, all others by none
};

const std::vector<Situation> kSituations{
    {"a live worker takes it",
     true,
     Beat::Fresh,
     false,
     SLUICE_FALLBACK_FORWARD,
     true,
     XDP_REDIRECT,
     {SLUICE_WIRE_STEERED}},
    {"a live worker takes it, whatever the fallback",
     true,
     Beat::Fresh,
     false,
     SLUICE_FALLBACK_DROP,
     false,
     XDP_REDIRECT,
     {SLUICE_WIRE_STEERED}},
    {"a worker whose clock is a little ahead is alive",
     true,
     Beat::JustAhead,
     false,
     SLUICE_FALLBACK_FORWARD,
     true,
     XDP_REDIRECT,
     {SLUICE_WIRE_STEERED}},
    {"no socket: forwarded",
     false,
     Beat::Fresh,
     false,
     SLUICE_FALLBACK_FORWARD,
     true,
     XDP_REDIRECT,
     {SLUICE_WIRE_NO_SOCKET}},
    {"no socket: dropped",
     false,
     Beat::Fresh,
     false,
     SLUICE_FALLBACK_DROP,
     true,
     XDP_DROP,
     {SLUICE_WIRE_NO_SOCKET, SLUICE_WIRE_DROPPED}},
    {"never polled: forwarded",
     true,
     Beat::Never,
     false,
     SLUICE_FALLBACK_FORWARD,
     true,
     XDP_REDIRECT,
     {SLUICE_WIRE_STALE}},
    {"stale heartbeat: forwarded",
     true,
     Beat::Old,
     false,
     SLUICE_FALLBACK_FORWARD,
     true,
     XDP_REDIRECT,
     {SLUICE_WIRE_STALE}},
    {"heartbeat of the far future: forwarded",
     true,
     Beat::FarAhead,
     false,
     SLUICE_FALLBACK_FORWARD,
     true,
     XDP_REDIRECT,
     {SLUICE_WIRE_STALE}},
    {"stale heartbeat: dropped",
     true,
     Beat::Old,
     false,
     SLUICE_FALLBACK_DROP,
     true,
     XDP_DROP,
     {SLUICE_WIRE_STALE, SLUICE_WIRE_DROPPED}},
    {"bypass: forwarded past a live worker",
     true,
     Beat::Fresh,
     true,
     SLUICE_FALLBACK_FORWARD,
     true,
     XDP_REDIRECT,
     {SLUICE_WIRE_BYPASS}},
    {"bypass forwards even where the fallback is to drop",
     true,
     Beat::Fresh,
     true,
     SLUICE_FALLBACK_DROP,
     true,
     XDP_REDIRECT,
     {SLUICE_WIRE_BYPASS}},
    {"no peer, no socket: dropped",
     false,
     Beat::Never,
     false,
     SLUICE_FALLBACK_FORWARD,
     false,
     XDP_DROP,
     {SLUICE_WIRE_NO_SOCKET, SLUICE_WIRE_NO_PEER}},
    {"no peer, stale: dropped",
     true,
     Beat::Old,
     false,
     SLUICE_FALLBACK_FORWARD,
     false,
     XDP_DROP,
     {SLUICE_WIRE_STALE, SLUICE_WIRE_NO_PEER}},
    {"no peer, bypass: dropped",
     true,
     Beat::Fresh,
     true,
     SLUICE_FALLBACK_FORWARD,
     false,
     XDP_DROP,
     {SLUICE_WIRE_BYPASS, SLUICE_WIRE_NO_PEER}},
};

/// Frames it must treat alike: it reads nothing of them.
std::vector<std::vector<std::uint8_t>> frames() {
  std::vector<std::vector<std::uint8_t>> all{
      std::vector<std::uint8_t>(14, 0x00),    // an Ethernet header and nothing else
      std::vector<std::uint8_t>(60, 0xff),    // garbage
      std::vector<std::uint8_t>(1514, 0x45),  // a full frame
  };
  std::vector<std::uint8_t> vlan(64, 0);
  vlan[12] = 0x81;
  all.push_back(vlan);
  return all;
}

}  // namespace

TEST_CASE("steer: every situation has its verdict and its counters") {
  for (const Situation& s : kSituations) {
    for (const auto& frame : frames()) {
      DYNAMIC_SECTION(s.what << ", " << frame.size() << " bytes") {
        Bench bench;
        bench.configure({.heartbeat_max_age_ns = kMaxAge, .bypass = s.bypass, .fallback = s.fallback});
        if (s.socket) bench.set_socket(0);
        if (s.peer) bench.set_peer();
        bench.set_heartbeat(0, beat_ns(s.beat));

        CHECK(bench.run(frame, 0) == s.verdict);

        std::array<sluice_wire_count, SLUICE_WIRE_COUNTERS> expected{};
        for (const auto counter : s.counted) expected[counter] = {.pkts = 1, .bytes = frame.size()};
        const auto counters = bench.counters();
        for (std::size_t i = 0; i < counters.size(); ++i) {
          INFO("counter " << i);
          CHECK(counters[i].pkts == expected[i].pkts);
          CHECK(counters[i].bytes == expected[i].bytes);
        }
      }
    }
  }
}

TEST_CASE("steer: a queue is judged by its own socket and its own heartbeat") {
  Bench bench;
  bench.set_peer();
  bench.set_socket(2);
  bench.set_heartbeat(2, monotonic_ns());
  bench.set_socket(3);
  for (std::uint32_t queue = 0; queue < kQueues; ++queue) bench.run(frames()[0], queue);
  const auto counters = bench.counters();
  CHECK(counters[SLUICE_WIRE_STEERED].pkts == 1);    // 2
  CHECK(counters[SLUICE_WIRE_STALE].pkts == 1);      // 3
  CHECK(counters[SLUICE_WIRE_NO_SOCKET].pkts == 2);  // 0 and 1
}

TEST_CASE("steer: carries the names and the version by which libxdp adopts it") {
  const std::unique_ptr<steer, DestroySteer> opened(steer__open());
  REQUIRE(opened);
  CHECK(bpf_object__find_program_by_name(opened->obj, "xsk_def_prog") != nullptr);
  CHECK(bpf_object__find_map_by_name(opened->obj, "xsks_map") != nullptr);
  const btf* types = bpf_object__btf(opened->obj);
  REQUIRE(types != nullptr);
  const int section = btf__find_by_name_kind(types, "xdp_metadata", BTF_KIND_DATASEC);
  const int version = btf__find_by_name_kind(types, "xsk_prog_version", BTF_KIND_VAR);
  REQUIRE(section > 0);
  REQUIRE(version > 0);
  const btf_type* pointer = btf__type_by_id(types, btf__type_by_id(types, static_cast<__u32>(version))->type);
  REQUIRE(btf_is_ptr(pointer));
  CHECK(btf_array(btf__type_by_id(types, pointer->type))->nelems == 1);
}

int main(int argc, char** argv) {
  // A namespace of its own, with two interfaces of several queues: packets name one as the port they came in by.
  if (::unshare(CLONE_NEWNET) != 0) {
    std::perror("SKIP: a network namespace of its own (CAP_SYS_ADMIN)");
    return kSkipped;
  }
  const std::string queues = " numrxqueues " + std::to_string(kQueues) + " numtxqueues " + std::to_string(kQueues);
  const std::string make = "ip link add steer0" + queues + " type veth peer name steer1" + queues;
  if (std::system(make.c_str()) != 0 || std::system("ip link set steer0 up && ip link set steer1 up") != 0) {
    std::fprintf(stderr, "cannot make veth interfaces\n");
    return 1;
  }
  libbpf_set_print(nullptr);
  return Catch::Session().run(argc, argv);
}
