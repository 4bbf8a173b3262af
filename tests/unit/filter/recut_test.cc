#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/support/crossing.h"

namespace sluice {
namespace {

using namespace test;

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kCuts = 2'000;
#else
constexpr std::uint64_t kCuts = 20'000;
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 0) : otherwise;
}

PipelineLimits limits() {
  PipelineLimits limits = PipelineRig::small_limits();
  limits.blocked_flows = limits.young_flows = 4096;
  limits.fragment_datagrams = 1 << 14;  // those of a whole round: time stands still in it
  limits.half_flows = 256;
  limits.half_bytes_per_flow = 32 << 10;
  limits.half_bytes_total = 1 << 22;
  limits.quic_half_read = limits.quic_connections = 256;
  return limits;
}

Endpoints client(std::uint64_t n, bool v6) {
  Endpoints ends = v6 ? Endpoints::v6() : Endpoints{};
  for (std::size_t i = 1; i <= 3; ++i) ends.src[ends.src.size() - i] = static_cast<std::uint8_t>(n >> (8 * (i - 1)));
  ends.src_port = static_cast<std::uint16_t>(1024 + n % 60'000);
  return ends;
}

bool is_blocked(std::string_view name) {
  return name.ends_with(".bad.example");
}

TEST_CASE(
    "filter: however streams, Initials and datagrams are cut, ordered, repeated and wrapped, names are read once") {
  const std::uint64_t seed = number_from("SLUICE_SEED", std::random_device{}());
  const std::uint64_t cuts = number_from("SLUICE_CUTS", kCuts);
  WARN("SLUICE_SEED=" << seed << " SLUICE_CUTS=" << cuts);
  PipelineRig rig(PipelineRig::enforcing(), PipelineRig::example_feeds(), limits());
  std::uint64_t cut = 0, frames = 0;
  for (std::uint64_t round = 0; cut < cuts; ++round) {
    Recut recut(seed + round);
    std::vector<Conversation> said;
    std::vector<SentPackets> sent;
    for (std::size_t n = 1 + recut.below(4); n > 0; --n, ++cut) {
      said.push_back(any_conversation(recut));
      sent.emplace_back(said.back(), client(cut, recut.one_in(3)), recut);
    }
    const Crossing crossing(rig, sent, recut);
    for (std::size_t i = 0; i < said.size(); ++i) {
      frames += sent[i].frames().size();
      const std::string fault = fault_of(said[i], sent[i], crossing.crossed()[i], is_blocked);
      CAPTURE(seed, round, i, said[i].port, said[i].bytes.size(), said[i].flights.size(), crossing.crossed()[i].names);
      CHECK(fault == "");
    }
    rig.wait_s(1);
    rig.now.wall_s = 500;
  }
  WARN(cut << " conversations in " << frames << " frames");
  for (const Method method : {Method::Sni, Method::Http, Method::Dns, Method::Quic})
    CHECK(rig.names(method) > cuts / 20);
}

}  // namespace
}  // namespace sluice
