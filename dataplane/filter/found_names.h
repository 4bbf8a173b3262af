#pragma once

#include <array>
#include <cstring>
#include <span>

#include "dataplane/filter/pipeline.h"

namespace sluice {

/// The names of a burst, in the order they were read.
class FoundNames {
 public:
  void clear() noexcept { count_ = shown_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] NameSeen& operator[](std::size_t i) noexcept { return names_[i]; }

  struct Meta {
    std::uint8_t question = 0;  ///< DNS: index in the query
    bool judged = true;         ///< may be blocked
    bool repeated = false;      ///< given before for the same message: judged, but not shown or counted again
  };

  void add(std::size_t frame, Method method, std::uint16_t qtype, const WireName& name, bool repeated) noexcept {
    NameSeen& seen = names_[count_];
    seen.frame = static_cast<std::uint16_t>(frame);
    seen.method = method;
    seen.qtype = qtype;
    seen.decision = {};
    seen.name.length = name.length;
    std::memcpy(seen.name.data(), name.text().data(), name.length);
    meta_[count_++] = {.repeated = repeated};
  }
  [[nodiscard]] Meta& meta(std::size_t i) noexcept { return meta_[i]; }

  /// Moves the names that are shown to the front, once all others were judged.
  void hide_repeated() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      if (meta_[i].repeated) continue;
      if (shown_ != i) names_[shown_] = names_[i];
      ++shown_;
    }
  }
  [[nodiscard]] std::span<const NameSeen> shown() const noexcept { return {names_.data(), shown_}; }

 private:
  std::array<NameSeen, kMaxNamesPerBurst> names_;
  std::array<Meta, kMaxNamesPerBurst> meta_;
  std::size_t count_ = 0, shown_ = 0;
};

}  // namespace sluice
