#include "dataplane/match/pattern_scan.h"

#include <hs_runtime.h>

#include <cstring>

namespace sluice {

void PatternScan::FreeDatabase::operator()(hs_database* database) const noexcept {
  hs_free_database(database);
}
void PatternScan::FreeScratch::operator()(hs_scratch* scratch) const noexcept {
  hs_free_scratch(scratch);
}

Result<PatternScan, ImageError> PatternScan::open(const ImageView& image, unsigned workers) {
  PatternScan out;
  const Bytes serialised = image.pattern_db();
  if (serialised.empty()) return out;

  const auto& compiled_by = image.header().hs_version;
  if (std::strncmp(compiled_by.data(), hs_version(), compiled_by.size()) != 0) {
    return std::unexpected(ImageError::BadPatternDb);
  }
  hs_database_t* database = nullptr;
  if (hs_deserialize_database(reinterpret_cast<const char*>(serialised.data()), serialised.size(), &database) !=
      HS_SUCCESS) {
    return std::unexpected(ImageError::BadPatternDb);
  }
  out.database_.reset(database);

  const auto patterns = static_cast<std::uint32_t>(image.patterns().size());
  out.workers_ = std::make_unique<Worker[]>(workers);
  std::size_t scratch_bytes = 0, database_bytes = 0;
  for (unsigned w = 0; w < workers; ++w) {
    hs_scratch_t* scratch = nullptr;
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) return std::unexpected(ImageError::BadPatternDb);
    out.workers_[w].scratch.reset(scratch);
    out.workers_[w].ids = std::make_unique<std::uint32_t[]>(patterns);
    out.workers_[w].room = patterns;
    if (hs_scratch_size(scratch, &scratch_bytes) == HS_SUCCESS) {
      out.memory_bytes_ += scratch_bytes + patterns * sizeof(std::uint32_t);
    }
  }
  if (hs_database_size(database, &database_bytes) == HS_SUCCESS) out.memory_bytes_ += database_bytes;
  return out;
}

int PatternScan::on_match(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
  auto& worker = *static_cast<Worker*>(context);
  if (id < worker.room && worker.found < worker.room) worker.ids[worker.found++] = id;
  return 0;
}

std::span<const std::uint32_t> PatternScan::scan(std::string_view name, unsigned worker) const noexcept {
  Worker& own = workers_[worker];
  own.found = 0;
  if (name.empty()) return {};
  hs_scan(database_.get(), name.data(), static_cast<unsigned>(name.size()), 0, own.scratch.get(), &on_match, &own);
  return {own.ids.get(), own.found};
}

}  // namespace sluice
