#include "rules/guard/pattern_scan.h"

#include <hs_runtime.h>

#include <vector>

#include "rules/image/pattern_db.h"

namespace sluice {
namespace {

struct FreeDatabase {
  void operator()(hs_database_t* database) const noexcept { hs_free_database(database); }
};
struct FreeScratch {
  void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
};

int on_hyperscan_match(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
  (*static_cast<const std::function<void(std::size_t)>*>(context))(id);
  return 0;
}

}  // namespace

struct PatternScan::Engine {
  std::unique_ptr<hs_database_t, FreeDatabase> database;
  std::unique_ptr<hs_scratch_t, FreeScratch> scratch;
};

PatternScan::PatternScan(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
PatternScan::~PatternScan() = default;
PatternScan::PatternScan(PatternScan&&) noexcept = default;
PatternScan& PatternScan::operator=(PatternScan&&) noexcept = default;

Result<PatternScan, std::string> PatternScan::make(std::span<const std::string> patterns) {
  std::vector<PatternSource> sources;
  sources.reserve(patterns.size());
  for (const std::string& pattern : patterns) sources.push_back({pattern, PatternKind::Pattern});
  const auto bytes = compile_patterns(sources);
  if (!bytes.has_value()) return std::unexpected(bytes.error().message);
  hs_database_t* database = nullptr;
  hs_scratch_t* scratch = nullptr;
  const char* const serialised = reinterpret_cast<const char*>(bytes->data());
  if (hs_deserialize_database(serialised, bytes->size(), &database) != HS_SUCCESS) {
    return std::unexpected(std::string("no memory for the patterns"));
  }
  auto engine = std::make_unique<Engine>();
  engine->database.reset(database);
  if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) {
    return std::unexpected(std::string("no memory to match the patterns"));
  }
  engine->scratch.reset(scratch);
  return PatternScan(std::move(engine));
}

void PatternScan::scan(std::string_view name, const std::function<void(std::size_t)>& on_match) const {
  void* const context = const_cast<std::function<void(std::size_t)>*>(&on_match);
  hs_scan(engine_->database.get(), name.data(), static_cast<unsigned>(name.size()), 0, engine_->scratch.get(),
          on_hyperscan_match, context);
}

}  // namespace sluice
