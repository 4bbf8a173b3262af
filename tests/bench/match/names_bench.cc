// Names table against Hyperscan literals. Hyperscan takes minutes and gigabytes to compile a million names: that one
// runs only with SLUICE_BENCH_HYPERSCAN_1M set.
#include <benchmark/benchmark.h>
#include <hs.h>

#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>

#include "dataplane/match/matcher.h"
#include "rules/image/build.h"
#include "tests/bench/match/name_lists.h"
#include "tests/support/feeds.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr UnixSeconds kNow = 1;

const std::vector<std::string>& names_of(std::size_t count) {
  static std::map<std::size_t, std::vector<std::string>> made;
  auto& names = made[count];
  if (names.empty()) names = make_names(count, kSeed);
  return names;
}

const RuleSet& rules_of(std::size_t count) {
  static std::map<std::size_t, std::unique_ptr<RuleSet>> made;
  auto& rules = made[count];
  if (!rules) {
    const test::KeyPair keys = test::key_pair();
    auto image = build_image(make_feeds(names_of(count)), {}, keys.secret);
    if (!image) std::abort();
    auto opened = RuleSet::open(std::move(*image), keys.open, 1);
    if (!opened) std::abort();
    rules = std::move(*opened);
  }
  return *rules;
}

void count_names(benchmark::State& state, std::int64_t names) {
  state.SetItemsProcessed(names);
  state.counters["per_name"] =
      benchmark::Counter(static_cast<double>(names), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// A batch as the packet path has it: names just read, so in the cache. Their making is not timed.
class Batch {
 public:
  explicit Batch(std::vector<std::string> queries) : queries_(std::move(queries)) {}
  void next() {
    for (std::size_t i = 0; i < in_.size(); ++i) {
      test::assign(names_[i], queries_[at_]);
      in_[i] = {&names_[i], Method::Sni, 0};
      at_ = (at_ + 1) % queries_.size();
    }
  }
  [[nodiscard]] std::span<const Lookup> in() const { return in_; }

 private:
  std::vector<std::string> queries_;
  std::size_t at_ = 0;
  std::array<WireName, RuleSet::kBatch> names_;
  std::array<Lookup, RuleSet::kBatch> in_;
};

/// Of this thread alone: other work on the machine is not counted. Asking costs some 3 ns a name.
double thread_cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Arguments: listed names, hits in percent.
void names_table(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const RuleSet& rules = rules_of(count);
  Batch batch(make_queries(names_of(count), static_cast<unsigned>(state.range(1))));
  std::array<Decision, RuleSet::kBatch> out;
  std::size_t blocked = 0, asked = 0;
  for (auto _ : state) {
    batch.next();
    const double begin = thread_cpu_s();
    rules.lookup(batch.in(), out, kNow, 0);
    state.SetIterationTime(thread_cpu_s() - begin);
    for (const Decision& decision : out) blocked += decision.blocked() ? 1 : 0;
    asked += out.size();
  }
  count_names(state, static_cast<std::int64_t>(asked));
  state.counters["blocked_%"] = 100.0 * static_cast<double>(blocked) / static_cast<double>(asked);
}
BENCHMARK(names_table)
    ->ArgsProduct({{10'000, 100'000, 1'000'000}, {0, 10, 100}})
    ->ArgNames({"names", "hits"})
    ->UseManualTime();

/// Snapshot in memory → signed image.
void build(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::vector<Feed> feeds = make_feeds(names_of(count));
  const test::KeyPair keys = test::key_pair();
  std::size_t bytes = 0;
  for (auto _ : state) bytes = build_image(feeds, {}, keys.secret)->size();
  state.counters["bytes_per_name"] = static_cast<double>(bytes) / static_cast<double>(count);
}
BENCHMARK(build)->Arg(10'000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->ArgName("names");

/// Signed image → rules that are ready to match: copy, signature, hashes, every index.
void open(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const test::KeyPair keys = test::key_pair();
  const auto image = build_image(make_feeds(names_of(count)), {}, keys.secret);
  for (auto _ : state) benchmark::DoNotOptimize(RuleSet::open(*image, keys.open, 1));
}
BENCHMARK(open)->Arg(10'000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->ArgName("names");

struct Literals {
  hs_database_t* database = nullptr;
  hs_scratch_t* scratch = nullptr;
};

Literals& literals_of(std::size_t count) {
  static std::map<std::size_t, Literals> made;
  Literals& literals = made[count];
  if (literals.database != nullptr) return literals;
  std::vector<const char*> texts;
  std::vector<unsigned> flags(count, HS_FLAG_SINGLEMATCH), ids;
  std::vector<std::size_t> lengths;
  for (const std::string& name : names_of(count)) {
    ids.push_back(static_cast<unsigned>(ids.size()));
    texts.push_back(name.c_str());
    lengths.push_back(name.size());
  }
  hs_compile_error_t* error = nullptr;
  if (hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), lengths.data(), static_cast<unsigned>(count),
                           HS_MODE_BLOCK, nullptr, &literals.database, &error) != HS_SUCCESS ||
      hs_alloc_scratch(literals.database, &literals.scratch) != HS_SUCCESS) {
    std::abort();
  }
  return literals;
}

/// The same question asked of Hyperscan: a literal that ends where the name ends, on a label border.
void hyperscan_literals(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  if (count >= 1'000'000 && std::getenv("SLUICE_BENCH_HYPERSCAN_1M") == nullptr) {
    state.SkipWithError("set SLUICE_BENCH_HYPERSCAN_1M: 80 s and 2.4 GB to compile");
    return;
  }
  const Literals& literals = literals_of(count);
  const std::vector<std::string> queries = make_queries(names_of(count), static_cast<unsigned>(state.range(1)));
  struct Hit {
    const std::vector<std::string>& names;
    std::string_view text;
    bool blocked;
  } hit{names_of(count), {}, false};
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long to, unsigned, void* context) {
    auto& at = *static_cast<Hit*>(context);
    at.blocked = at.blocked || (to == at.text.size() && is_same_or_below(at.text, at.names[id]));
    return 0;
  };
  std::size_t at = 0, blocked = 0;
  std::int64_t asked = 0;
  for (auto _ : state) {
    hit.text = queries[at++ % queries.size()];
    hit.blocked = false;
    hs_scan(literals.database, hit.text.data(), static_cast<unsigned>(hit.text.size()), 0, literals.scratch, on_match,
            &hit);
    blocked += hit.blocked ? 1 : 0;
    ++asked;
  }
  count_names(state, asked);
  std::size_t bytes = 0;
  hs_database_size(literals.database, &bytes);
  state.counters["bytes_per_name"] = static_cast<double>(bytes) / static_cast<double>(count);
  state.counters["blocked_%"] = 100.0 * static_cast<double>(blocked) / static_cast<double>(asked);
}
BENCHMARK(hyperscan_literals)->ArgsProduct({{10'000, 100'000, 1'000'000}, {0, 10, 100}})->ArgNames({"names", "hits"});

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  if (sodium_init() < 0) return 1;  // picks the fastest hashes of this processor, as the programs do
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
