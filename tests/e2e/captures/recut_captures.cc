// Cuts what the clients in captures said anew, many times, and compares the names that are read of it with those that
// are read of the captures as they are; once where none of them is blocked, once where all are.
//
//   recut_captures [--seed N] [--cuts N] CAPTURE…      N ways for each conversation (50)
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tests/e2e/captures/captured.h"
#include "tests/support/crossing.h"

namespace {

using namespace sluice;
using namespace sluice::test;

struct Options {
  std::uint64_t seed = std::random_device{}();
  std::uint64_t cuts = 50;
  std::vector<std::string> captures;
};

PipelineLimits limits() {
  PipelineLimits limits = PipelineRig::small_limits();
  limits.blocked_flows = limits.young_flows = 4096;
  limits.fragment_datagrams = 1 << 14;
  limits.half_flows = limits.quic_connections = 256;
  limits.half_bytes_per_flow = 32 << 10;
  limits.half_bytes_total = 1 << 22;
  limits.quic_half_read = 64;
  return limits;
}

/// A pipeline that blocks every name, or none.
PipelineRig gateway(const std::vector<Conversation>& said, bool blocking) {
  std::vector<Target> targets{exact("nobody.invalid")};
  for (const Conversation& c : said) {
    for (const Conversation::Named& named : c.names) {
      if (blocking) targets.push_back(exact(named.name));
    }
  }
  Policy policy = PipelineRig::enforcing();
  policy.rows[static_cast<std::size_t>(Cause::DnsNoRecursion)] = Row::Drop;  // else spared, as a resolver's own
  return PipelineRig(policy, {feed("a/b", {}, {block("A-100", std::move(targets))})}, limits());
}

Endpoints client(std::uint64_t n, bool v6) {
  Endpoints ends = v6 ? Endpoints::v6() : Endpoints{};
  for (std::size_t i = 1; i <= 3; ++i) ends.src[ends.src.size() - i] = static_cast<std::uint8_t>(n >> (8 * (i - 1)));
  return ends;
}

std::uint64_t faults_of(const std::vector<Conversation>& said, bool blocking, const Options& options) {
  PipelineRig rig = gateway(said, blocking);
  std::uint64_t faults = 0, number = 0;
  for (std::uint64_t round = 0; round < options.cuts; ++round) {
    for (const Conversation& c : said) {
      Recut recut(options.seed + ++number);
      const std::vector<SentPackets> sent{SentPackets(c, client(number, recut.one_in(3)), recut)};
      const Crossing crossing(rig, sent, recut);
      const std::string fault = fault_of(c, sent[0], crossing.crossed()[0], [&](std::string_view) { return blocking; });
      rig.wait_s(1);
      rig.now.wall_s = 500;
      if (fault.empty()) continue;
      ++faults;
      std::printf("  WRONG (seed %llu, conversation %llu, port %u, %s): %s\n",
                  static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(number), c.port,
                  c.names[0].name.c_str(), fault.c_str());
    }
  }
  return faults;
}

std::uint64_t recut(const std::string& path, const Options& options) {
  const Captured captured = read_capture(path);
  const std::uint64_t faults =
      faults_of(captured.conversations, false, options) + faults_of(captured.conversations, true, options);
  std::printf("%s: %zu names; %zu conversations cut in %llu ways each, %zu names not cut: %llu faults\n", path.c_str(),
              captured.names, captured.conversations.size(), static_cast<unsigned long long>(2 * options.cuts),
              captured.skipped, static_cast<unsigned long long>(faults));
  return faults + (captured.skipped * 4 > captured.names || captured.names == 0 ? 1 : 0);
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word != "--seed" && word != "--cuts") {
      options.captures.emplace_back(word);
    } else if (++i == argc) {
      return false;
    } else {
      (word == "--seed" ? options.seed : options.cuts) = std::strtoull(argv[i], nullptr, 0);
    }
  }
  return !options.captures.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options))
    return std::fprintf(stderr, "usage: recut_captures [--seed N] [--cuts N] CAPTURE…\n"), 2;
  std::uint64_t faults = 0;
  try {
    for (const std::string& path : options.captures) faults += recut(path, options);
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "recut_captures: %s\n", error.what()), 1;
  }
  return faults == 0 ? 0 : 1;
}
