#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace sluice {

/// Patterns against lists of names, by Hyperscan: all patterns in one pass over a name.
class PatternScan {
 public:
  /// `patterns`: at least one, each of which why_not_compilable() has nothing against. The error is Hyperscan's.
  [[nodiscard]] static Result<PatternScan, std::string> make(std::span<const std::string> patterns);
  ~PatternScan();
  PatternScan(PatternScan&&) noexcept;
  PatternScan& operator=(PatternScan&&) noexcept;

  /// Calls `on_match` with the index of each pattern that matches the whole of `name`.
  void scan(std::string_view name, const std::function<void(std::size_t pattern)>& on_match) const;

 private:
  struct Engine;
  explicit PatternScan(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace sluice
