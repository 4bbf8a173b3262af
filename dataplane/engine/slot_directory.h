#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "dataplane/filter/counters.h"

namespace sluice {

/// Gives each order of a feed its counter slot for this run: the same one in whatever image it turns up. One writer at
/// a time; other processes may read the directory meanwhile (slots_used is released after the entry is written).
class SlotDirectory {
 public:
  static constexpr std::uint32_t kOther = 0;  ///< all orders beyond the directory's size

  /// `header` and `slots` live in the shared file and outlive this. Takes slot 0 for "other".
  SlotDirectory(CounterFileHeader& header, std::span<OrderSlot> slots);

  /// The slot of that order, taken now if it has none yet; kOther where none is left, or a text does not fit.
  [[nodiscard]] std::uint32_t slot(std::string_view feed, std::string_view order);

 private:
  std::uint32_t publish(std::string_view feed, std::string_view order);

  CounterFileHeader& header_;
  std::span<OrderSlot> slots_;
  std::unordered_map<std::string, std::uint32_t> known_;  ///< "feed\norder"
};

}  // namespace sluice
