#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/image/reader.h"

struct hs_database;
struct hs_scratch;

namespace sluice {

/// The image's pattern database, with scratch memory for each worker. Immutable but for a worker's own scratch.
class PatternScan {
 public:
  /// Loads the database. `image` was checked, signature included: Hyperscan trusts what it is given here.
  static Result<PatternScan, ImageError> open(const ImageView& image, unsigned workers);

  /// Indices of the expressions that match the whole name, each once, in no order. Valid until the worker's next scan.
  [[nodiscard]] std::span<const std::uint32_t> scan(std::string_view name, unsigned worker) const noexcept;

  [[nodiscard]] bool empty() const noexcept { return database_ == nullptr; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  struct FreeDatabase {
    void operator()(hs_database* database) const noexcept;
  };
  struct FreeScratch {
    void operator()(hs_scratch* scratch) const noexcept;
  };
  struct alignas(64) Worker {
    std::unique_ptr<hs_scratch, FreeScratch> scratch;
    std::unique_ptr<std::uint32_t[]> ids;  // room for all: an expression is reported once a scan
    std::uint32_t found = 0;
    std::uint32_t room = 0;
  };
  static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void* worker);

  std::unique_ptr<hs_database, FreeDatabase> database_;
  std::unique_ptr<Worker[]> workers_;
  std::size_t memory_bytes_ = 0;
};

}  // namespace sluice
